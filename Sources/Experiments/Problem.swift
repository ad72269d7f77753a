/// One thing that is wrong with a file: where it is, what was expected, what was found, and often what was meant.
package struct Problem: Hashable, Sendable {
    /// The file's name as the caller gave it.
    package var file: String
    /// Counted from 1.
    package var line: Int
    /// Counted from 1, in Unicode scalars.
    package var column: Int
    package var message: String

    package init(file: String, line: Int, column: Int, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
    }
}

extension Problem: CustomStringConvertible {
    /// `file:line:column: message`, the form that editors and CI systems make clickable.
    package var description: String { "\(file):\(line):\(column): \(message)" }
}

extension Problem: Codable {}

/// A place in a file; line and column count from 1.
struct Place: Hashable, Comparable, Sendable {
    var line: Int
    var column: Int

    static let start = Place(line: 1, column: 1)

    static func < (left: Self, right: Self) -> Bool { (left.line, left.column) < (right.line, right.column) }
}

/// Collects the problems of one file while it is read, so that reading can go on after the first.
final class ProblemList {
    let file: String
    private var found: [(place: Place, message: String)] = []
    private var seen: Set<Problem> = []
    /// More than anybody reads; a hostile file must not fill the memory with messages.
    static let limit = 1000

    init(file: String) { self.file = file }

    func report(_ message: String, at place: Place) {
        guard found.count < Self.limit else { return }
        guard seen.insert(Problem(file: file, line: place.line, column: place.column, message: message)).inserted else { return }
        found.append((place, message))
    }

    var isEmpty: Bool { found.isEmpty }

    /// In the order of the file; problems of one place stay in the order in which they were found.
    var sorted: [Problem] {
        var result = found.enumerated().sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }
            .map { Problem(file: file, line: $0.element.place.line, column: $0.element.place.column, message: $0.element.message) }
        if found.count == Self.limit, let last = result.last {
            result.append(
                Problem(
                    file: file, line: last.line, column: last.column, message: "more than \(Self.limit) problems; the rest is not shown"))
        }
        return result
    }
}
