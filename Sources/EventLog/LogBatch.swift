import HaggleCore

/// Records that are written in one transaction. A value, so that it can be written again after a lost connection.
struct LogBatch: Sendable {
    struct PendingImpression: Sendable {
        var impression: Impression
        var requestID: String?
        var stickySalt: String?
        /// The context as JSON, where somebody wrote it already; a record that was read from a journal has it here alone.
        var contextJSON: String?

        init(impression: Impression, requestID: String? = nil, stickySalt: String? = nil, contextJSON: String? = nil) {
            self.impression = impression
            self.requestID = requestID
            self.stickySalt = stickySalt
            self.contextJSON = contextJSON
        }

        /// What the column `context` gets.
        /// - Throws: `EventLogError.notFinite`.
        func contextText() throws -> String { try contextJSON ?? impression.context.jsonText() }

        /// The impression with its context read.
        func whole() throws -> Impression {
            guard let contextJSON else { return impression }
            var whole = impression
            whole.context = try Context(json: Array(contextJSON.utf8), impression: impression.id)
            return whole
        }
    }

    struct Activation: Sendable {
        var id: ImpressionID
        var time: Timestamp
    }

    var impressions: [PendingImpression] = []
    var activations: [Activation] = []
    var conversions: [Conversion] = []

    var count: Int { impressions.count + activations.count + conversions.count }

    /// The first half and the rest, each kind in its order.
    func halves() -> (LogBatch, LogBatch) {
        var first = self
        var second = LogBatch()
        let size = count / 2
        // Impressions come first, because activations may name those of the same batch.
        let impressionCount = min(size, impressions.count)
        let activationCount = min(size - impressionCount, activations.count)
        let conversionCount = size - impressionCount - activationCount
        second.impressions = Array(impressions[impressionCount...])
        second.activations = Array(activations[activationCount...])
        second.conversions = Array(conversions[conversionCount...])
        first.impressions.removeSubrange(impressionCount...)
        first.activations.removeSubrange(activationCount...)
        first.conversions.removeSubrange(conversionCount...)
        return (first, second)
    }

    /// What became of a batch, in the order of its records.
    struct Outcome: Sendable {
        enum OfConversion: Sendable { case accepted, duplicate, refused(sqlState: String?) }

        var impressions: [Result<AppendedImpression, EventLogError>] = []
        var activations: [Result<Bool, EventLogError>] = []
        var conversions: [OfConversion] = []

        static func + (left: Self, right: Self) -> Self {
            Self(
                impressions: left.impressions + right.impressions, activations: left.activations + right.activations,
                conversions: left.conversions + right.conversions)
        }
    }
}
