package import HaggleCore

/// What became of one policy file.
package struct ParsedPolicy: Sendable {
    /// The file's name as the caller gave it.
    package var file: String
    /// Nil as soon as there is any problem.
    package var policy: PolicyConfiguration?
    /// Lists of values under `model`, for `haggle train`.
    package var grid: [GridAxis] = []
    /// Nil where the file has no `context`: the experiment's, or the log's, applies.
    package var context: FeatureSchema?
    /// Nil where the file has no `reward`.
    package var reward: RewardConfiguration?
    /// All of them, in the order of the file.
    package var problems: [Problem]
}

/// Reads policy files: the mapping that stands under `policy:` of an experiment, as the whole file or under `policy:`, optionally with `context:`
/// and `reward:` beside it.
package enum PolicyFile {
    static let context = Key("context", Shape<FeatureSchema>.context, "The features the policy sees; default: the experiment's.")
    static let reward = Key("reward", .reward, "The reward the policy learns from; default: the experiment's.")
    static let policy = Key("policy", Shape<ParsedConfiguration>.policy, "How the next arm is chosen.", required: true)

    static let wrapped = Table("a policy file", [policy, context, reward], later: [])
    static let bare = Table("a policy", PolicyKeys.table.keys + [context, reward], later: PolicyKeys.table.later)

    /// - Parameters:
    ///   - text: the file's content.
    ///   - file: its name, for messages.
    package static func parse(text: String, file: String, allowingGrid: Bool = false) -> ParsedPolicy {
        let problems = ProblemList(file: file)
        var result = ParsedPolicy(file: file, problems: [])
        if let root = YAMLDocument.read(text, problems: problems) {
            var isWrapped = false
            if case .mapping(let entries) = root.content { isWrapped = entries.contains { $0.key == policy.name } }
            if let reader = MappingReader(root, isWrapped ? wrapped : bare, path: "", problems: problems) {
                let parsed = isWrapped ? reader(policy) : PolicyReader(reader: reader).configuration()
                result.policy = parsed?.policy
                result.grid = parsed?.grid ?? []
                if !allowingGrid, let place = parsed?.gridPlace {
                    problems.report(
                        "model: a list of values is a grid for `haggle train`; expected one value of each", at: place)
                }
                result.context = reader(context)
                result.reward = reader(reward)?.reward
            }
        }
        result.problems = problems.sorted
        if !problems.isEmpty { (result.policy, result.context, result.reward) = (nil, nil, nil) }
        return result
    }

    /// Like the other, for a file's bytes: they must be UTF-8 and at most 1 MiB.
    package static func parse(bytes: [UInt8], file: String) -> ParsedPolicy {
        switch YAMLDocument.text(bytes, file: file) {
        case .success(let text): parse(text: text, file: file)
        case .failure(let error): ParsedPolicy(file: file, problems: [error.problem])
        }
    }
}
