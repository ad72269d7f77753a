import Evaluation

extension EvaluationReport {
    /// Whole algorithms played through the log; nil where none was.
    func replaySection(quantity: Quantity) -> ReportSection? {
        guard !replays.isEmpty else { return nil }
        var table = TextTable(columns: [
            .text("algorithm"), .number("mean reward"), .number("interval"), .number("last stretch"), .number("rounds"), .number("of rows"),
        ])
        for replay in replays {
            let interval = replay.intervals.first
            table.append([
                replay.policy,
                replay.value.map { quantity.text($0, spread: interval.map { ($0.upper - $0.lower) / 2 }) } ?? NumberFormat.notAvailable,
                interval.map { quantity.text(lower: $0.lower, upper: $0.upper) } ?? "",
                replay.course.last.map { quantity.text($0.mean, spread: interval.map { ($0.upper - $0.lower) / 2 }) } ?? "",
                NumberFormat.count(replay.acceptedCount), NumberFormat.count(replay.offeredCount),
            ])
        }
        var notes = [
            "An algorithm starts from its prior and learns from the rows that rejection accepts, so its mean reward belongs to a run of that many "
                + "rounds, exploration included; it is not the value of the policy that it ends with. Runs differ: repeat with other seeds."
        ]
        for replay in replays where replay.cappedCount > 0 {
            notes.append(
                "\(replay.policy): \(NumberFormat.count(replay.cappedCount)) rows were above the declared bound on weights, "
                    + "which biases the replay; declare a smaller least propensity.")
        }
        return ReportSection(title: "Learning algorithms replayed", tables: [table], notes: notes)
    }
}
