/// What `haggle demo` found: logged counts, true values, and off-policy estimates held against the truth.
package struct DemoSummary: Hashable, Sendable, Codable {
    /// Mean expected reward per customer, by enumeration.
    package struct TrueValue: Hashable, Sendable, Codable {
        package var policy: Double
        package var uniform: Double
        package var control: Double
        package var best: Double

        package init(policy: Double, uniform: Double, control: Double, best: Double) {
            self.policy = policy
            self.uniform = uniform
            self.control = control
            self.best = best
        }
    }

    /// One estimate from the log, beside what it estimates.
    package struct OffPolicy: Hashable, Sendable, Codable {
        package var policy: String
        package var estimator: String
        package var value: Double
        package var lower: Double
        package var upper: Double
        package var truth: Double
        package var covered: Bool

        package init(policy: String, estimator: String, value: Double, lower: Double, upper: Double, truth: Double) {
            self.policy = policy
            self.estimator = estimator
            self.value = value
            self.lower = lower
            self.upper = upper
            self.truth = truth
            covered = lower <= truth && truth <= upper
        }
    }

    package var seed: UInt64
    package var assignments: Int
    package var impressionsLogged: Int
    package var conversionsLogged: Int
    package var snapshots: Int
    package var trueValue: TrueValue
    package var offPolicy: [OffPolicy]
    package var seconds: Double

    package init(
        seed: UInt64, assignments: Int, impressionsLogged: Int, conversionsLogged: Int, snapshots: Int, trueValue: TrueValue,
        offPolicy: [OffPolicy], seconds: Double
    ) {
        self.seed = seed
        self.assignments = assignments
        self.impressionsLogged = impressionsLogged
        self.conversionsLogged = conversionsLogged
        self.snapshots = snapshots
        self.trueValue = trueValue
        self.offPolicy = offPolicy
        self.seconds = seconds
    }

    private enum CodingKeys: String, CodingKey {
        case seed
        case assignments
        case impressionsLogged = "impressions_logged"
        case conversionsLogged = "conversions_logged"
        case snapshots
        case trueValue = "true_value"
        case offPolicy = "off_policy"
        case seconds
    }
}

extension DemoSummary {
    /// The summary for a person.
    package func text(currency: String? = "EUR", isTerminal: Bool = false) -> String {
        let money = Quantity.money(currency: currency)
        var lines = ["What happened (seed \(seed), \(NumberFormat.duration(seconds: seconds)))", ""]
        lines.append("  \(NumberFormat.count(assignments)) customers were assigned a discount by the running service")
        lines.append(
            "  \(NumberFormat.count(impressionsLogged)) impressions and \(NumberFormat.count(conversionsLogged)) conversions are in the log"
        )
        lines.append("  \(NumberFormat.count(snapshots)) snapshots of the policy were published while it learned")
        lines += ["", "What it is worth: true margin per customer, known because the shop is simulated", ""]
        let ladder = [
            ("no discount for anyone", trueValue.control), ("an even split", trueValue.uniform), ("the learned policy", trueValue.policy),
            ("the best possible", trueValue.best),
        ]
        let top = ladder.map(\.1).max() ?? 1
        for (name, value) in ladder {
            let bar = String(repeating: "█", count: top > 0 && value > 0 ? Int((value / top * 30).rounded()) : 0)
            let gain = name == "no discount for anyone" || trueValue.control <= 0 ? "" : "  " + change(of: value)
            lines.append("  " + Self.padded(name, to: 24) + Self.padded(money.text(value, spread: 0.05), to: 9) + bar + gain)
        }
        lines += ["", "What the log alone would have told you: off-policy estimates against that truth", ""]
        var table = TextTable(columns: [
            .text("policy"), .text("estimator"), .number("estimate"), .number("95% interval"), .number("truth"), .text("covered"),
        ])
        for row in offPolicy {
            let spread = (row.upper - row.lower) / 2
            table.append([
                row.policy, row.estimator, money.text(row.value, spread: spread), money.text(lower: row.lower, upper: row.upper),
                money.text(row.truth, spread: spread), row.covered ? "yes" : "no",
            ])
        }
        let covered = offPolicy.filter(\.covered).count
        return lines.joined(separator: "\n") + "\n"
            + table.text(isTerminal: isTerminal, maximumWidth: 98).split(separator: "\n").map { "  " + $0 + "\n" }.joined()
            + (offPolicy.isEmpty ? "" : "\n  \(covered) of \(offPolicy.count) intervals hold the truth.\n")
    }

    /// The summary for a program: exactly the documented keys, full double precision.
    package func json() throws -> String { try ReportJSON.text(self) }

    private func change(of value: Double) -> String {
        let change = value / trueValue.control - 1
        return NumberFormat.percent(abs(change)) + (change >= 0 ? " more" : " less") + " than no discount"
    }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.displayWidth))
    }
}
