/// Rows of a file read at once: numbers, and positions of texts in a dictionary, row after row.
package struct CSVBatch: Sendable {
    /// One row of the wanted number columns after the other.
    package var numbers: [Double] = []
    /// One row of the wanted text columns after the other, as positions in the dictionary.
    package var keys: [Int32] = []
    /// The line on which each row begins, counted from 1.
    package var lines: [Int] = []

    package init() {}

    package var count: Int { lines.count }
}

extension CSVReader {
    /// Reads up to `rows` rows of these columns, a row after the other, and replaces what `numbers` holds.
    ///
    /// Fields are parsed where they stand in the buffer. Columns that are not wanted are only counted.
    /// - Parameter columns: different positions, in the order wanted; spaces around numbers are ignored.
    /// - Returns: the number of rows; fewer than `rows` only at the end of the file.
    /// - Throws: `TabularError`, with file, line and column, for the first field that is no finite number and every row that is damaged. The rows
    ///   before it are lost.
    package mutating func readNumbers(columns: [Int], rows: Int, into numbers: inout [Double]) throws -> Int {
        var batch = CSVBatch()
        swap(&batch.numbers, &numbers)
        defer { swap(&batch.numbers, &numbers) }
        var none = KeyDictionary(closed: [])
        return try read(numbers: columns, keys: [], rows: rows, dictionary: &none, into: &batch)
    }

    /// Reads up to `rows` rows: the columns `numbers` as `readNumbers` does, the columns `keys` as positions in `dictionary`, which meets unknown
    /// texts as it is made for: an open one adds them.
    /// - Returns: the number of rows; fewer than `rows` only at the end of the file.
    /// - Throws: `TabularError` as `readNumbers`; `badValue` also for a text that a closed dictionary does not know.
    package mutating func read(
        numbers: [Int], keys: [Int], rows: Int, dictionary: inout KeyDictionary, into batch: inout CSVBatch
    ) throws -> Int {
        let layout = Layout(numbers: numbers, keys: keys, columnCount: columns.count)
        batch.resize(rows, layout)
        var count = 0
        while count < rows {
            count += readPlain(layout, rows: rows - count, dictionary: &dictionary, into: &batch, at: count)
            guard count < rows else { break }
            // Something that is not plain: quotes, spaces, a blank line, an error, or the end of the buffer.
            if !hasWholeLine {
                if try extend() { continue }
            }
            guard let row = try next() else { break }
            try take(row, layout, &dictionary, into: &batch, at: count)
            count += 1
        }
        batch.resize(count, layout)
        return count
    }

    /// Whether a line end stands in the buffer behind `start`.
    private var hasWholeLine: Bool { buffer.span.next(UInt8(ascii: "\n"), from: start) < buffer.count }

    /// Reads on; false at the end.
    private mutating func extend() throws -> Bool {
        if isExhausted { return false }
        try fill()
        return !isExhausted
    }

    /// Where the fields of a row go.
    struct Layout {
        enum Target { case nothing, number(Int), key(Int) }

        let targets: [Target]
        let numberCount: Int
        let keyCount: Int

        init(numbers: [Int], keys: [Int], columnCount: Int) {
            var targets = [Target](repeating: .nothing, count: columnCount)
            for (index, column) in numbers.enumerated() { targets[column] = .number(index) }
            for (index, column) in keys.enumerated() { targets[column] = .key(index) }
            precondition(Set(numbers + keys).count == numbers.count + keys.count, "a column is wanted once")
            self.targets = targets
            numberCount = numbers.count
            keyCount = keys.count
        }
    }

    /// Reads rows without quotes, spaces and blank lines, up to the first that has them, is damaged or does not end in the buffer.
    /// - Returns: how many.
    private mutating func readPlain(
        _ layout: Layout, rows: Int, dictionary: inout KeyDictionary, into batch: inout CSVBatch, at first: Int
    ) -> Int {
        // The parts by themselves, as all are written to in the loop.
        var numbers: [Double] = []
        var keys: [Int32] = []
        swap(&numbers, &batch.numbers)
        swap(&keys, &batch.keys)
        let (count, end) = Self.readPlain(
            buffer.span, from: start, layout, rows: rows, &dictionary, &numbers, first * layout.numberCount, &keys, first * layout.keyCount)
        swap(&numbers, &batch.numbers)
        swap(&keys, &batch.keys)
        for row in 0..<count { batch.lines[first + row] = line + row }
        line += count
        start = end
        return count
    }

    private static func readPlain(
        _ bytes: Span<UInt8>, from start: Int, _ layout: Layout, rows: Int, _ dictionary: inout KeyDictionary, _ numbers: inout [Double],
        _ firstNumber: Int, _ keys: inout [Int32], _ firstKey: Int
    ) -> (rows: Int, end: Int) {
        let count = bytes.count
        let last = layout.targets.count - 1
        var numbers = numbers.mutableSpan
        var keys = keys.mutableSpan
        let targets = layout.targets.span
        var numberRow = firstNumber
        var keyRow = firstKey
        var position = start
        var begin = start
        var row = 0
        rows: while row < rows {
            for column in 0...last {
                switch targets[column] {
                case .number(let index):
                    guard let value = DecimalNumber.number(bytes, at: &position, to: count), value.isFinite else { break rows }
                    numbers[numberRow + index] = value
                case .key(let index):
                    let end = bytes.fieldEnd(from: position)
                    // A text that a quote or a zero byte ends is none.
                    guard end < count, bytes[end] != UInt8(ascii: "\""), bytes[end] != 0,
                        let key = dictionary.position(of: bytes, from: position, to: end)
                    else { break rows }
                    keys[keyRow + index] = key
                    position = end
                case .nothing:
                    position = bytes.fieldEnd(from: position)
                }
                guard position < count else { break rows }
                if column < last {
                    guard bytes[position] == separator else { break rows }
                    position += 1
                }
            }
            if bytes[position] == UInt8(ascii: "\r"), position + 1 < count { position += 1 }
            // A blank line is left to the other way, which knows what it means.
            guard bytes[position] == UInt8(ascii: "\n"), position > begin else { break }
            position += 1
            begin = position
            row += 1
            numberRow += layout.numberCount
            keyRow += layout.keyCount
        }
        return (row, begin)
    }

    private func take(
        _ row: CSVRow, _ layout: Layout, _ dictionary: inout KeyDictionary, into batch: inout CSVBatch, at index: Int
    ) throws {
        batch.lines[index] = row.line
        for (column, target) in layout.targets.enumerated() {
            switch target {
            case .nothing: break
            case .number(let place): batch.numbers[index * layout.numberCount + place] = try number(at: column, in: row)
            case .key(let place):
                let text = row.string(at: column)
                let bytes = Array(text.utf8)
                guard let key = dictionary.position(of: bytes.span, from: 0, to: bytes.count) else {
                    let expected =
                        dictionary.isOpen
                        ? "at most \(KeyDictionary.limit) different texts" : "one of \(dictionary.keys.joined(separator: ", "))"
                    throw TabularError.badValue(self.place(of: column, in: row), expected: expected, found: text)
                }
                batch.keys[index * layout.keyCount + place] = key
            }
        }
    }
}

extension CSVBatch {
    fileprivate mutating func resize(_ rows: Int, _ layout: CSVReader.Layout) {
        Self.resize(&numbers, rows * layout.numberCount, 0)
        Self.resize(&keys, rows * layout.keyCount, 0)
        Self.resize(&lines, rows, 0)
    }

    private static func resize<Value>(_ array: inout [Value], _ count: Int, _ value: Value) {
        if array.count < count { array.append(contentsOf: repeatElement(value, count: count - array.count)) }
        if array.count > count { array.removeLast(array.count - count) }
    }
}
