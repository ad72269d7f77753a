import Experiments
import HaggleCore

/// The interactions of another source that meet `--where`, `--since` and `--until`.
struct FilteredInteractions<Base: InteractionSource>: InteractionSource {
    let base: Base
    let condition: TargetingEvaluator?
    let since: Timestamp?
    let until: Timestamp?

    var arms: [Arm] { base.arms }
    var excluded: [String: Int] { base.excluded }

    func interactions() -> AsyncFilterSequence<Base.Interactions> { base.interactions().filter { keeps($0) } }

    /// A row without a time is kept only where no time was asked for.
    private func keeps(_ row: Interaction) -> Bool {
        if since != nil || until != nil {
            guard let time = row.time else { return false }
            if let since, time < since { return false }
            if let until, time >= until { return false }
        }
        return condition?.matches(row.context) ?? true
    }
}
