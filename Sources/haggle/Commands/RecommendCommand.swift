import ArgumentParser
import EventLog
import Foundation
import HaggleCore
import Reporting
import Workbench

struct RecommendCommand: AsyncParsableCommand {
    enum Cost: String, ExpressibleByArgument, CaseIterable { case expected }

    static let configuration = CommandConfiguration(
        commandName: "recommend", abstract: "An arm for every customer of a file, within a budget where one is given.",
        discussion: """
            The file is CSV or NDJSON: one column holds the unit, the others are features of the experiment. The strategy has a row for each
            customer: arm, discount, expected reward and uplift over control with their standard deviations, expected cost of the discount,
            and the probabilities that the policy would draw from.

            With --budget the expected discount costs sum to at most that amount, in the reward's currency. The expected cost of an arm is
            its discount times the list revenue that the model expects, which is the expected reward divided by (1 - discount) for the metric
            revenue, or by (margin rate - discount) for the metric margin.
            """)

    @Argument(help: "The experiment's key.")
    var experiment: String

    @Option(help: ArgumentHelp("CSV or NDJSON, one customer a row.", valueName: "file"))
    var customers: String

    @Option(help: ArgumentHelp("Where to write the strategy.", valueName: "strategy.csv"))
    var output: String

    @Option(help: ArgumentHelp("Column that holds the unit; the first where not given.", valueName: "column"))
    var unitColumn: String?

    @Option(help: ArgumentHelp("A column that is neither unit nor feature; repeat for several.", valueName: "column"))
    var ignore: [String] = []

    @Option(help: ArgumentHelp("Most that the discounts may cost in expectation.", valueName: "amount"))
    var budget: Double?

    @Option(help: "What --budget counts.")
    var cost = Cost.expected

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var formatting: FormatOption

    func validate() throws {
        if let budget, !(budget >= 0 && budget.isFinite) {
            throw ValidationError("--budget: expected a finite amount of at least 0, found \(budget)")
        }
    }

    func run() async throws {
        let (recommendation, stored) = try await database.withPool(logger: commandLogger()) {
            try await Recommendation.serving(ExperimentKey(experiment), pool: $0)
        }
        let file = try CustomerFile(path: customers, unitColumn: unitColumn, schema: stored.context, ignoring: ignore)
        let progress = Progress("customers read", total: nil)
        let summary = try await recommendation.run(
            file, output: output, budget: budget, at: Timestamp(seconds: Date().timeIntervalSince1970)
        ) { progress.report($0) }
        progress.finish()
        note("wrote \(output)")
        if !summary.absentFeatures.isEmpty {
            note("not in the file, taken as missing for everybody: \(summary.absentFeatures.joined(separator: ", "))")
        }
        switch formatting.format {
        case .json: writeResult(try json(summary))
        case .text: writeText(summary)
        }
    }

    private func writeText(_ summary: Recommendation.Summary) {
        var table = TextTable(columns: [.text("arm"), .number("customers"), .number("expected reward"), .number("expected cost")])
        for arm in summary.arms {
            table.append([
                arm.arm.rawValue, NumberFormat.count(arm.customers), NumberFormat.significant(arm.expectedReward),
                arm.expectedCost.map { NumberFormat.significant($0) } ?? "",
            ])
        }
        writeResult(table.text(isTerminal: Terminal.standardOutput.isInteractive))
        writeResult(
            "\(NumberFormat.count(summary.customers)) customers, expected reward \(NumberFormat.significant(summary.expectedReward)) "
                + "(everybody on control: \(NumberFormat.significant(summary.expectedControlReward))), by snapshot \(summary.snapshot)")
        if let budget = summary.budget, let cost = summary.expectedCost, let bound = summary.upperBound {
            writeResult(
                "expected cost \(NumberFormat.significant(cost)) of a budget of \(NumberFormat.significant(budget)); "
                    + "no allocation within it is expected to give more than \(NumberFormat.significant(bound))")
            if let more = summary.rewardPerUnitOfBudget, more > 0 {
                writeResult("one more unit of budget would bring about \(NumberFormat.significant(more))")
            }
        }
        writeResult("Expectations are the model's; try the strategy against a holdout before believing them.")
    }
}
