/// Where interactions come from: PostgreSQL, a file, a simulator. Evaluation and learning read nothing else.
package protocol InteractionSource: Sendable {
    associatedtype Interactions: AsyncSequence & Sendable where Interactions.Element == Interaction

    /// The arms that `Interaction.arm` points into.
    var arms: [Arm] { get }

    /// Rows of the log that are left out because they do not count, by reason.
    var excluded: [String: Int] { get }

    /// The interactions in log order. May be called again for another pass.
    func interactions() -> Interactions
}

extension InteractionSource {
    /// What a source has that leaves nothing out.
    package var excluded: [String: Int] { [:] }

    /// Calls `body` with every interaction; for sources whose type is not known.
    package func forEach(_ body: (Interaction) throws -> Void) async throws {
        for try await interaction in interactions() { try body(interaction) }
    }
}

/// Interactions already in memory: the trivial source, for tests and small files.
package struct InteractionList: InteractionSource {
    package let arms: [Arm]
    package let rows: [Interaction]

    package init(arms: [Arm], rows: [Interaction]) {
        self.arms = arms
        self.rows = rows
    }

    package func interactions() -> AsyncStream<Interaction> {
        AsyncStream { continuation in
            for row in rows { continuation.yield(row) }
            continuation.finish()
        }
    }
}
