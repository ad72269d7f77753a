import ArgumentParser
import HaggleCore
import Reporting
import Simulation
import Workbench

struct ShopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shop", abstract: "Files of a made-up shop, for trying the way from purchases to a strategy.",
        discussion: """
            Customers come back, and what a discount is worth to each shows in the order of their baskets alone. The truth is known, so
            what a strategy earns can be told exactly. The way through: purchases, `haggle features build`, pilot, `haggle train`,
            `haggle apply`, `haggle recommend`, outcome. Use the same --seed and --as-of in all steps.
            """,
        subcommands: [Purchases.self, Pilot.self, Outcome.self])

    struct Flags: ParsableArguments {
        @Option(help: "Seed of the shop.") var seed: UInt64 = 1
        @Option(help: ArgumentHelp("The moment: purchases come before it, mails after.", valueName: "time")) var asOf = "2026-06-01"

        func validate() throws {
            if Timestamp(asOf) == nil {
                throw ValidationError("--as-of: expected a time such as 2026-06-01 or 2026-06-01T00:00:00Z, found '\(asOf)'")
            }
        }

        var files: ReturningShopFiles { ReturningShopFiles(ReturningShop(seed: seed, asOf: Timestamp(asOf) ?? Timestamp(seconds: 0))) }
    }

    struct Purchases: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The books of a year: customer, time, item, amount, discount.")

        @Option(help: "Number of customers.") var customers = 1000
        @Option(help: ArgumentHelp("Where to write.", valueName: "file")) var output: String
        @OptionGroup var shop: Flags

        func validate() throws {
            guard (1...10_000_000).contains(customers) else {
                throw ValidationError("--customers: expected 1 to 10000000, found \(customers)")
            }
        }

        func run() throws {
            let rows = try shop.files.writePurchases(customers: customers, to: output)
            note("wrote \(rows) rows to \(output)")
        }
    }

    struct Pilot: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The log of a pilot: a mail a week to every customer, its discount drawn evenly.")

        @Option(help: ArgumentHelp("What features build wrote.", valueName: "customers.csv")) var customers: String
        @Option(help: "Mails to each customer.") var mails = 8
        @Option(help: ArgumentHelp("Where to write.", valueName: "file")) var output: String
        @OptionGroup var shop: Flags

        func validate() throws {
            guard (1...1000).contains(mails) else { throw ValidationError("--mails: expected 1 to 1000, found \(mails)") }
            guard output != customers else { throw ValidationError("--output: expected another file than --customers, found \(output)") }
        }

        func run() throws {
            let rows = try shop.files.writePilot(customers: customers, mails: mails, to: output)
            note("wrote \(rows) rows to \(output)")
        }
    }

    struct Outcome: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Applies a strategy: its true value, and a test against the control arm.",
            discussion: """
                The test gives half of the customers, drawn at random, the arm of the strategy and the others the control arm; its standard
                error is clustered by customer. The true values are expectations in closed form.
                """)

        @Option(help: ArgumentHelp("What recommend wrote: columns customer and arm.", valueName: "strategy.csv")) var strategy: String
        @Option(help: "Mails of the test to each customer.") var mails = 8
        @Option(help: "Mails that went out before.") var after = 8
        @OptionGroup var shop: Flags
        @OptionGroup var formatting: FormatOption

        func validate() throws {
            guard (1...1000).contains(mails) else { throw ValidationError("--mails: expected 1 to 1000, found \(mails)") }
            guard (0...1000).contains(after) else { throw ValidationError("--after: expected 0 to 1000, found \(after)") }
        }

        func run() throws {
            let applied = try shop.files.apply(strategy: strategy, mails: mails, after: after)
            switch formatting.format {
            case .json: writeResult(try json(applied))
            case .text:
                var table = TextTable(columns: [.text("policy"), .number("true margin of a mail")])
                table.append(["strategy", NumberFormat.significant(applied.expected)])
                for arm in ReturningShop.arms {
                    table.append([
                        "\(arm.key) for everybody", NumberFormat.significant(applied.expectedByArm[arm.key.rawValue] ?? .nan),
                    ])
                }
                table.append(["best arm for each", NumberFormat.significant(applied.expectedBest)])
                writeResult(table.text(isTerminal: Terminal.standardOutput.isInteractive))
                let given = ReturningShop.arms.map { "\($0.key) \(applied.arms[$0.key.rawValue] ?? 0)" }.joined(separator: ", ")
                writeResult("\(applied.customers) customers: \(given)")
                writeResult(
                    "test: \(applied.treatedMails) mails by the strategy earned \(NumberFormat.significant(applied.treated)) each, "
                        + "\(applied.controlMails) of the control arm \(NumberFormat.significant(applied.control)); difference "
                        + "\(NumberFormat.significant(applied.difference)), standard error \(NumberFormat.significant(applied.standardError))"
                )
            }
        }
    }
}
