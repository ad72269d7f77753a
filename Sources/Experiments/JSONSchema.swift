/// The JSON Schema (draft 2020-12) of experiment files, for editors.
///
/// It is written from the very table of keys that the parser reads with, so it knows the same keys, types, words and ranges. What relates one
/// key to another (weights that sum to 1, a floor that leaves room for all arms) only the parser checks.
package enum JSONSchema {
    /// The whole document, indented, with a line break at its end.
    package static let document = tree.text

    static let tree: OrderedJSON = {
        let header = OrderedJSON.object([
            "$schema": .string("https://json-schema.org/draft/2020-12/schema"), "title": .string("Haggle experiment"),
            "description": .string("An experiment over arms such as discount levels. Check a file with `haggle validate`."),
        ])
        guard case .object(let members) = ExperimentKeys.table.schema, case .object(let first) = header else { return header }
        return OrderedJSON.object(first + members).adding([
            // Which of the two kinds has a policy and which has not.
            "if": .object(["properties": .object(["type": .object(["const": .string("ab")])]), "required": .strings(["type"])]),
            "then": .object(["not": .object(["required": .strings(["policy"])])]),
            "else": .object(["required": .strings(["policy"])]),
            "$defs": .object(Shape.conditionDefinitions),
        ])
    }()
}
