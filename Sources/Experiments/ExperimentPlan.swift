package import HaggleCore

/// What `apply` would do with a folder of files: the difference between them and what is applied.
package struct ExperimentPlan: Hashable, Sendable, Codable {
    package enum Action: String, Hashable, Sendable, Codable {
        case create
        case change
        case unchanged
        /// Applied once, but no file names it any more. Nothing is done: removing a file must not stop an experiment by accident.
        case withoutFile = "without_file"
    }

    package struct Step: Hashable, Sendable, Codable {
        package var experiment: ExperimentKey
        package var action: Action
        /// Empty except for `change`.
        package var changes: [ExperimentDifference.Change]
        /// Whether `apply` needs `--yes`.
        package var needsConfirmation: Bool

        enum CodingKeys: String, CodingKey {
            case experiment, action, changes
            case needsConfirmation = "needs_confirmation"
        }
    }

    /// In the order of the files, then the experiments without one by key.
    package var steps: [Step]

    package init(files: [Experiment], applied: [Experiment]) {
        let current = Dictionary(applied.map { ($0.key, $0) }) { _, last in last }
        steps = files.map { file in
            guard let old = current[file.key] else {
                return Step(experiment: file.key, action: .create, changes: [], needsConfirmation: false)
            }
            let difference = ExperimentDifference(old, file)
            return Step(
                experiment: file.key, action: difference.isEmpty ? .unchanged : .change, changes: difference.changes,
                needsConfirmation: difference.needsConfirmation)
        }
        let named = Set(files.map(\.key))
        steps += applied.map(\.key).filter { !named.contains($0) }.sorted()
            .map { Step(experiment: $0, action: .withoutFile, changes: [], needsConfirmation: false) }
    }

    /// Whether `apply` would write anything.
    package var isEmpty: Bool { steps.allSatisfy { $0.action == .unchanged || $0.action == .withoutFile } }
    /// Whether `apply` needs `--yes`.
    package var needsConfirmation: Bool { steps.contains(where: \.needsConfirmation) }

    /// For a person: `+` is new, `~` changes, `!` changes and needs `--yes`, `=` is as applied, `?` has no file.
    package var lines: [String] {
        steps.flatMap { step -> [String] in
            switch step.action {
            case .create: ["+ \(step.experiment): new experiment"]
            case .unchanged: ["= \(step.experiment): unchanged"]
            case .withoutFile: ["? \(step.experiment): applied, but no file names it; it goes on (write status: stopped to end it)"]
            case .change:
                [
                    "\(step.needsConfirmation ? "!" : "~") \(step.experiment): \(step.changes.count) change\(step.changes.count == 1 ? "" : "s")"
                ]
                    + step.changes.map { "    \($0.severity == .harmless ? " " : "!") \($0)" }
            }
        }
    }
}
