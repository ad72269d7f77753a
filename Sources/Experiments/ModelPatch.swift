/// Writes chosen settings of `policy.model` into the text of an experiment or policy file, leaving everything else as it is: comments,
/// order, quotes.
///
/// The value of each key is replaced where the YAML reader says that it stands; a key that is missing is added to the mapping. The result
/// is read again and must mean the old file with the new settings, nothing less and nothing more. Where that cannot be had (a mapping
/// written in a way this does not follow), there is no patch, and `snippet` is what a person copies.
package struct ModelPatch: Sendable {
    /// A key under `model` and its new value, as YAML.
    package struct Setting: Hashable, Sendable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The file with the settings in it.
    package let text: String
    /// What changes, as `diff -u` writes it; empty where nothing does.
    package let difference: String

    /// - Parameters:
    ///   - text: the file's content.
    ///   - file: its name, for the difference.
    /// - Returns: nil where the place of a setting cannot be found for certain.
    package init?(_ settings: [Setting], in text: String, file: String) {
        guard let original = Self.tree(text) else { return nil }
        var changed = text
        for setting in settings {
            guard let root = Self.tree(changed), let next = Self.replacing(setting, in: changed, root: root) else { return nil }
            changed = next
        }
        // Read back: the settings as given, all else as it was.
        guard let result = Self.tree(changed) else { return nil }
        var expected = PlainNode(original)
        for setting in settings {
            guard let value = Self.tree(setting.value, isDocument: false).map(PlainNode.init),
                expected.set(setting.key, value, under: Self.path(original))
            else { return nil }
        }
        guard PlainNode(result) == expected else { return nil }
        self.text = changed
        difference = UnifiedDifference.text(from: text, to: changed, file: file)
    }

    /// The settings as a mapping to copy into an experiment file.
    package static func snippet(_ settings: [Setting]) -> String {
        "policy:\n  model:\n" + settings.map { "    \($0.key): \($0.value)\n" }.joined()
    }

    private static func tree(_ text: String, isDocument: Bool = true) -> YAMLNode? {
        let problems = ProblemList(file: "")
        // A scalar alone is no document to the reader of files, but a value of a key is.
        let node = YAMLDocument.read(isDocument ? text : "value: \(text)\n", problems: problems)
        guard problems.isEmpty, let node else { return nil }
        guard !isDocument else { return node }
        guard case .mapping(let entries) = node.content, entries.count == 1 else { return nil }
        return entries[0].value
    }

    /// Where `model` stands: under `policy` where the file has that key, else at the top of a policy file.
    private static func path(_ root: YAMLNode) -> [String] { root.entry("policy") == nil ? ["model"] : ["policy", "model"] }

    private static func replacing(_ setting: Setting, in text: String, root: YAMLNode) -> String? {
        var source = YAMLSource(text)
        var node = root
        for key in path(root) {
            guard let entry = node.entry(key) else {
                // No mapping to write into: it is added, with this setting alone.
                return path(root).last == key && source.insert("\(key): {\(setting.key): \(setting.value)}", into: node) ? source.text : nil
            }
            node = entry.value
        }
        guard case .mapping = node.content else { return nil }
        if let entry = node.entry(setting.key) {
            return source.replace(valueOf: entry, with: setting.value) ? source.text : nil
        }
        return source.insert("\(setting.key): \(setting.value)", into: node) ? source.text : nil
    }
}

extension YAMLNode {
    fileprivate func entry(_ key: String) -> Entry? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }
    }
}

/// A tree without places: what a file means.
private indirect enum PlainNode: Equatable {
    case scalar(YAMLNode.Scalar?)
    case sequence([PlainNode])
    case mapping([String: PlainNode])

    init(_ node: YAMLNode) {
        switch node.content {
        case .scalar: self = .scalar(node.scalar)
        case .sequence(let items): self = .sequence(items.map(PlainNode.init))
        case .mapping(let entries): self = .mapping(Dictionary(entries.map { ($0.key, PlainNode($0.value)) }) { first, _ in first })
        case .refused: self = .scalar(nil)
        }
    }

    /// Sets a key of the mapping at a path; a missing last mapping is made.
    mutating func set(_ key: String, _ value: PlainNode, under path: [String]) -> Bool {
        guard case .mapping(var entries) = self else { return false }
        guard let first = path.first else {
            entries[key] = value
            self = .mapping(entries)
            return true
        }
        var child = entries[first] ?? .mapping([:])
        guard entries[first] != nil || path.count == 1, child.set(key, value, under: Array(path.dropFirst())) else { return false }
        entries[first] = child
        self = .mapping(entries)
        return true
    }
}
