import ArgumentParser
import Catalog
import Foundation
import HaggleCore
import Postgres
import Reporting
import Workbench

extension APIScope: ExpressibleByArgument {}

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "API keys of the service.",
        discussion: """
            A key is needed as soon as one exists, and always where the service listens beyond loopback. To rotate: create a new one, give it to
            the client, revoke the old one; servers hear of both at once.
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a key and print it, once.")

        @Argument(help: "What it is for, such as the client's name.") var name: String
        @Option(parsing: .upToNextOption, help: "What it allows: assign, convert, read, admin (all of them).") var scope: [APIScope]
        @Option(help: ArgumentHelp("The last day or moment; default: none.", valueName: "time")) var expires: String?
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            if scope.isEmpty { throw ValidationError("--scope: expected assign, convert, read or admin") }
            if name.isEmpty { throw ValidationError("NAME: expected some text") }
            guard let expires else { return }
            guard let time = Timestamp(expires) else {
                throw ValidationError("--expires: expected a time such as 2027-01-01, found '\(expires)'")
            }
            if time.seconds <= Date().timeIntervalSince1970 {
                throw ValidationError("--expires: expected a time to come, found \(expires)")
            }
        }

        func run() async throws {
            let (id, token) = try await database.withPool(logger: commandLogger(), size: 1) { pool in
                try await pool.withTransaction {
                    try await Catalog.createKey(
                        name: name, scopes: Set(scope), expiresAt: expires.flatMap { Timestamp($0) }, by: currentUser(), on: $0)
                }
            }
            note("key \(id) for '\(name)'; it is shown this once:")
            writeResult(token)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All keys, without the keys themselves.")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var formatting: FormatOption

        private struct Line: Encodable {
            let id, name: String
            let scopes: [String]
            let created: String
            let expires, revoked: String?
        }

        func run() async throws {
            let keys = try await database.withPool(logger: commandLogger(), size: 1) { pool in
                try await pool.withConnection { try await Catalog.keys(on: $0) }
            }
            let lines = keys.map { key in
                Line(
                    id: key.id, name: key.name, scopes: APIScope.allCases.filter(key.scopes.contains).map(\.rawValue),
                    created: key.createdAt.description, expires: key.expiresAt?.description, revoked: key.revokedAt?.description)
            }
            switch formatting.format {
            case .json: writeResult(try json(lines))
            case .text:
                var table = TextTable(columns: [
                    .text("key"), .text("name"), .text("scopes"), .text("created"), .text("expires"), .text("revoked"),
                ])
                for line in lines {
                    table.append([
                        line.id, line.name, line.scopes.joined(separator: ","), line.created, line.expires ?? "", line.revoked ?? "",
                    ])
                }
                writeResult(table.text(isTerminal: Terminal.standardOutput.isInteractive))
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a key back.")

        @Argument(help: "Its id, as `haggle keys list` shows it.") var key: String
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            try await database.withPool(logger: commandLogger(), size: 1) { pool in
                try await pool.withTransaction { try await Catalog.revokeKey(key, by: currentUser(), on: $0) }
            }
            note("key \(key) is revoked")
        }
    }
}
