package import EventLog
package import HaggleCore
package import Policies
import Tabular

/// `haggle recommend`: an arm for every customer of a file, by the serving snapshot.
///
/// Streams: memory does not depend on the number of customers. Without a budget the file is read twice (once to find what is wrong with it
/// before anything is written), with one three times and scored each time.
package struct Recommendation: Sendable {
    /// What came out, for the person who asked.
    package struct Summary: Hashable, Sendable, Codable {
        package struct ArmCount: Hashable, Sendable, Codable {
            package let arm: ArmKey
            package var customers: Int
            /// Sum over the customers who get the arm.
            package var expectedReward: Double
            /// Nil where costs cannot be derived from the rewards.
            package var expectedCost: Double?

            private enum CodingKeys: String, CodingKey {
                case arm, customers
                case expectedReward = "expected_reward"
                case expectedCost = "expected_cost"
            }
        }

        package let experiment: ExperimentKey
        package let snapshot: SnapshotVersion
        package let customers: Int
        package let arms: [ArmCount]
        package let expectedReward: Double
        /// Of everybody on control.
        package let expectedControlReward: Double
        package let expectedCost: Double?
        package let budget: Double?
        /// Under a budget: no allocation that keeps to it is expected to give more.
        package let upperBound: Double?
        /// Under a budget: what one more unit of money would bring.
        package let rewardPerUnitOfBudget: Double?
        /// Features of the experiment that the file does not have.
        package let absentFeatures: [String]

        private enum CodingKeys: String, CodingKey {
            case experiment, snapshot, customers, arms, budget
            case expectedReward = "expected_reward"
            case expectedControlReward = "expected_control_reward"
            case expectedCost = "expected_cost"
            case upperBound = "upper_bound"
            case rewardPerUnitOfBudget = "reward_per_unit_of_budget"
            case absentFeatures = "absent_features"
        }
    }

    private let experiment: Experiment
    private let snapshot: ServingSnapshot
    private let scorer: CustomerScorer
    private let cost: ExpectedDiscountCost?
    private let costFailure: ExpectedDiscountCost.Failure?

    /// - Precondition: the snapshot's arms are the experiment's.
    package init(experiment: Experiment, snapshot: ServingSnapshot) {
        precondition(snapshot.arms == experiment.arms.map(\.key), "snapshot and experiment must belong together")
        self.experiment = experiment
        self.snapshot = snapshot
        scorer = CustomerScorer(snapshot)
        var cost: ExpectedDiscountCost?
        var failure: ExpectedDiscountCost.Failure?
        do {
            cost = try ExpectedDiscountCost(arms: experiment.arms, reward: experiment.reward)
        } catch {
            failure = error
        }
        self.cost = cost
        costFailure = failure
    }

    /// Writes the strategy, one row a customer in the order of the file.
    /// - Parameters:
    ///   - moment: when the offers are made, for time features that the file does not have.
    ///   - budget: most that the discounts may cost in expectation, in the reward's unit.
    ///   - progress: called now and then with the number of customers read, over all passes.
    /// - Throws: `BudgetAllocation.Failure`, `ExpectedDiscountCost.Failure`, `TabularError`, `CancellationError`.
    @concurrent
    package func run(
        _ customers: CustomerFile, output: String, budget: Double? = nil, at moment: Timestamp,
        progress: (@Sendable (Int) -> Void)? = nil
    ) async throws -> Summary {
        var seen = 0
        func pass(_ body: (UnitID, Context) throws -> Void) throws {
            try customers.forEach { customer in
                var context = customer.context
                TimeFeatures.add(to: &context, at: moment, for: experiment.context)
                try body(customer.unit, context)
                seen += 1
                if seen % 4096 == 0 {
                    try Task.checkCancellation()
                    progress?(seen)
                }
            }
        }
        var allocation: BudgetAllocation?
        if let budget {
            if let costFailure { throw costFailure }
            var search = try BudgetAllocation(budget: budget)
            repeat {
                try pass { _, context in
                    let rewards = scorer.expectedRewards(context)
                    search.observe(rewards: rewards, costs: cost?(rewards) ?? [])
                }
            } while try search.endPass()
            allocation = search
        } else {
            try pass { _, _ in }
        }
        var totals = experiment.arms.map {
            Summary.ArmCount(arm: $0.key, customers: 0, expectedReward: 0, expectedCost: cost == nil ? nil : 0)
        }
        var control = 0.0
        try withFileOutput(output) { (file: inout RowOutput) in
            var writer = CSVWriter(columns: columns(of: customers))
            try file.append(writer.header())
            try pass { unit, context in
                let score = scorer(context)
                let costs = cost?(score.expectedRewards)
                let arm =
                    allocation?.choose(rewards: score.expectedRewards, costs: costs ?? [])
                    ?? score.best(controlIndex: snapshot.controlIndex)
                totals[arm].customers += 1
                totals[arm].expectedReward += score.expectedRewards[arm]
                if let costs { totals[arm].expectedCost = (totals[arm].expectedCost ?? 0) + costs[arm] }
                control += score.expectedRewards[snapshot.controlIndex]
                try file.append(row(unit, arm, score, cost: costs?[arm], &writer))
            }
        }
        let result = allocation?.result
        return Summary(
            experiment: experiment.key, snapshot: snapshot.version, customers: totals.reduce(0) { $0 + $1.customers }, arms: totals,
            expectedReward: totals.reduce(0) { $0 + $1.expectedReward }, expectedControlReward: control,
            expectedCost: cost == nil ? nil : totals.reduce(0) { $0 + ($1.expectedCost ?? 0) }, budget: budget,
            upperBound: result?.upperBound, rewardPerUnitOfBudget: result?.multiplier,
            absentFeatures: customers.absentFeatures.filter { !$0.hasPrefix("$") })
    }

    private func columns(of customers: CustomerFile) -> [String] {
        [
            customers.unitColumn == "arm" ? "unit" : customers.unitColumn, "arm", "discount", "expected_reward", "expected_reward_sd",
            "uplift", "uplift_sd", "expected_cost",
        ]
            + experiment.arms.map { "p_\($0.key.rawValue)" }
    }

    private func row(_ unit: UnitID, _ arm: Int, _ score: CustomerScore, cost: Double?, _ writer: inout CSVWriter) -> [UInt8] {
        writer.field(unit.rawValue)
        writer.field(experiment.arms[arm].key.rawValue)
        if let discount = experiment.arms[arm].discount { writer.field(discount) } else { writer.emptyField() }
        writer.field(score.expectedRewards[arm])
        writer.field(score.standardDeviations[arm])
        writer.field(score.uplifts[arm])
        writer.field(score.upliftDeviations[arm])
        if let cost { writer.field(cost) } else { writer.emptyField() }
        for probability in score.propensities { writer.field(probability) }
        return writer.endRow()
    }
}
