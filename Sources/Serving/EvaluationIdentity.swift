import Experiments
package import HaggleCore

extension ImpressionID {
    /// The id of an OpenFeature evaluation. It follows from what was asked and who would answer, so a client that polls or tries again gets the
    /// same id; the id is the draw key, so it gets the same arm; and the log keeps one row.
    ///
    /// The time bits are the start of the epoch; the others come from two keyed hashes (`DrawHash`) of experiment, version, snapshot, reason,
    /// unit and context.
    /// - Parameters:
    ///   - request: with the context that will be logged.
    ///   - reason: what `assigner` says of the request at this moment; a pause in the middle of an epoch makes another id.
    ///   - epoch: start of the epoch.
    package init(evaluationOf request: AssignmentRequest, by assigner: Assigner, reason: Reason, epoch: Timestamp) {
        let experiment = assigner.experiment
        var text = "\(experiment.key) \(assigner.version) \(assigner.snapshot?.rawValue ?? 0) \(reason.rawValue) "
        Self.append(request.unit.rawValue, to: &text)
        Self.append(request.context.values, to: &text)
        self.init(
            time: epoch,
            random: (
                DrawHash.hash(salt: experiment.salt + "/evaluation/high", key: text),
                DrawHash.hash(salt: experiment.salt + "/evaluation/low", key: text)
            ))
    }

    /// The start of the epoch in which a moment lies.
    package static func evaluationEpoch(of time: Timestamp) -> Timestamp {
        let length = evaluationEpochSeconds * 1_000_000
        return Timestamp(microseconds: time.microseconds - time.microseconds % length)
    }

    /// The length in front keeps texts apart whatever they hold.
    private static func append(_ part: String, to text: inout String) { text += "\(part.utf8.count):\(part)" }

    private static func append(_ values: [String: ContextValue], to text: inout String) {
        text += "{"
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            append(name, to: &text)
            switch value {
            case .number(let number): text += "n\(number) "
            case .boolean(let flag): text += flag ? "t" : "f"
            case .text(let words): append(words, to: &text)
            case .events(let events):
                text += "["
                for event in events { append(event, to: &text) }
                text += "]"
            }
        }
        text += "}"
    }
}
