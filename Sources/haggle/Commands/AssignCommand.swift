import ArgumentParser
import Foundation
import HaggleCore
import Simulation
import Workbench

struct AssignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assign", abstract: "One assignment from the running service, explained.",
        discussion: "Example: haggle assign checkout-discount --unit c-17 --context '{\"recency_days\": 12, \"channel\": \"app\"}'")

    @Argument(help: "The experiment's key.")
    var experiment: String

    @Option(help: "Who is randomised.")
    var unit: String

    @Option(help: "What is known about the unit, as a JSON object.")
    var context = "{}"

    @OptionGroup var service: ServiceOptions
    @OptionGroup var formatting: FormatOption

    func run() async throws {
        let parsed: Context
        do {
            parsed = try JSONDecoder().decode(Context.self, from: Data(context.utf8))
        } catch {
            throw WorkbenchError.invalidOption(
                name: "--context", expected: "a JSON object of numbers, strings, booleans and nulls", found: context)
        }
        let answer = try await ServiceClient.with(server: service.server, apiKey: service.key) {
            try await $0.assign(ExperimentKey(experiment), unit: UnitID(unit), context: parsed)
        }
        switch formatting.format {
        case .json: writeResult(try json(answer))
        case .text:
            let discount = answer.discount.map { " (\(($0 * 1000).rounded() / 10) % off)" } ?? ""
            writeResult("\(unit) gets \(answer.arm)\(discount)")
            writeResult("  reason      \(answer.reason.rawValue), variant \(answer.variant)")
            if let propensity = answer.propensity { writeResult("  propensity  \(propensity)") }
            writeResult("  snapshot    \(answer.snapshot.map(String.init) ?? "none"), experiment version \(answer.version)")
            writeResult("  impression  \(answer.impressionID)")
        }
    }
}

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Drive a running service with simulated customers.",
        discussion: "The experiment's arms must be those of the simulated shop; experiments/shop-demo.yaml fits.")

    @Argument(help: "The experiment's key.")
    var experiment: String

    @Option(help: "Number of customers.")
    var customers = 2000

    @Option(help: "Customers that arrive in a second.")
    var rate = 500.0

    @Option(help: "Seed of the shop.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Length of the shop's week in seconds; a purchase follows about a day later.", valueName: "seconds"))
    var week = 2.0

    @OptionGroup var service: ServiceOptions
    @OptionGroup var formatting: FormatOption

    func validate() throws {
        guard customers > 0 else { throw ValidationError("--customers: expected at least 1, found \(customers)") }
        guard rate > 0, week > 0 else { throw ValidationError("--rate and --week: expected a number above 0") }
    }

    func run() async throws {
        let shop = Shop(.init(seed: seed, secondsPerDay: week / 7))
        let progress = Progress("customers", total: customers)
        let outcome = try await ServiceClient.with(server: service.server, apiKey: service.key) { client in
            try await ShopTraffic(shop: shop, experiment: ExperimentKey(experiment), perSecond: rate)
                .run(visits: 0..<customers, through: client) { progress.report($0) }
        }
        progress.finish()
        switch formatting.format {
        case .json:
            writeResult(
                try json(
                    Result(
                        assignments: outcome.assignments, conversions: outcome.conversions,
                        arms: Dictionary(uniqueKeysWithValues: outcome.assignmentsByArm.map { ($0.key.rawValue, $0.value) }),
                        seconds: outcome.seconds)))
        case .text:
            writeResult("\(outcome.assignments) assignments, \(outcome.conversions) conversions")
            for arm in shop.arms { writeResult("  \(arm.key): \(outcome.assignmentsByArm[arm.key] ?? 0)") }
        }
    }

    private struct Result: Encodable {
        let assignments: Int
        let conversions: Int
        let arms: [String: Int]
        let seconds: Double
    }
}
