import Experiments
import HaggleCore

/// What `--where`, `--since` and `--until` ask of a row.
struct InteractionFilter: Sendable {
    let condition: TargetingEvaluator?
    let since: Timestamp?
    let until: Timestamp?

    /// A row without a time is kept only where no time was asked for.
    func keeps(_ row: Interaction) -> Bool {
        if since != nil || until != nil {
            guard let time = row.time else { return false }
            if let since, time < since { return false }
            if let until, time >= until { return false }
        }
        return condition?.matches(row.context) ?? true
    }
}

/// The interactions of another source that a filter keeps.
struct FilteredInteractions<Base: InteractionSource>: InteractionSource {
    let base: Base
    let filter: InteractionFilter

    var arms: [Arm] { base.arms }
    var excluded: [String: Int] { base.excluded }

    func interactions() -> AsyncFilterSequence<Base.Interactions> { base.interactions().filter { filter.keeps($0) } }
}
