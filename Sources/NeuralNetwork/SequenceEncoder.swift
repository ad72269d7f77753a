import HaggleMath

/// How past events become a fixed number of columns: embeddings of their categories, then convolutions or a recurrent unit over time.
///
/// A row of events is `1 + length * fields` numbers: how many events there are, then the events oldest first, each its numbers and then the
/// indices of its categories; what lies behind the last event is not looked at. Everything is computed event by event in one order, so that a
/// row has the same bits alone and in a batch.
package struct SequenceEncoder: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// Causal convolutions over `kernel` events, an activation, and of each channel the largest value and the newest one.
        case cnn
        /// A gated recurrent unit (Cho et al. 2014, in PyTorch's arrangement of the reset gate); its last state.
        case gru
    }

    package let kind: Kind
    /// Most events of a row.
    package let length: Int
    /// Numbers of an event.
    package let numberCount: Int
    /// Of each category field the number of its values.
    package let categories: [Int]
    /// Channels of the convolution, or width of the state.
    package let units: Int
    /// Events under one convolution; 1 for a recurrent unit.
    package let kernel: Int
    /// After the convolution.
    package let activation: Activation

    /// - Precondition: a length, units and a kernel of at least 1, and at least one field.
    package init(
        kind: Kind, length: Int, numberCount: Int, categories: [Int], units: Int, kernel: Int = 3, activation: Activation = .relu
    ) {
        precondition(length > 0 && units > 0 && kernel > 0 && numberCount >= 0, "a sequence encoder needs events and units")
        precondition(numberCount + categories.count > 0 && categories.allSatisfy { $0 > 0 }, "an event needs a field")
        self.kind = kind
        self.length = length
        self.numberCount = numberCount
        self.categories = categories
        self.units = units
        self.kernel = kind == .gru ? 1 : kernel
        self.activation = activation
    }

    /// Whether a decoded value is one that could have been made.
    var isPossible: Bool {
        let limit = 1 << 20
        return (1...4096).contains(length) && (1...4096).contains(units) && (1...4096).contains(kernel) && (0...4096).contains(numberCount)
            && categories.count <= 4096 && numberCount + categories.count > 0 && categories.allSatisfy { (1...limit).contains($0) }
    }

    /// Fields of one event in a row.
    package var fieldCount: Int { numberCount + categories.count }
    /// Numbers of a row.
    package var inputWidth: Int { 1 + length * fieldCount }
    /// Columns that come out.
    package var outputWidth: Int { kind == .cnn ? 2 * units : units }

    /// Width of the embedding of a category with so many values: the fourth root is the usual rule of thumb, here between 2 and 16.
    static func embeddingWidth(_ values: Int) -> Int {
        var width = 2
        while width < 16, width * width * width * width < values * 16 { width += 1 }
        return width
    }

    /// Numbers of one event after its categories were embedded.
    var eventWidth: Int { numberCount + categories.reduce(0) { $0 + Self.embeddingWidth($1) } }

    /// Embeddings, one table a category, value by value; then the weights of the convolution (unit, event column, place in the kernel) and its
    /// biases; or those of the recurrent unit: input weights of the gates r, z, n (3 units x columns), state weights (3 units x units), input
    /// biases, state biases.
    var parameterCount: Int { embeddingCount + coreCount }
    var embeddingCount: Int { categories.reduce(0) { $0 + $1 * Self.embeddingWidth($1) } }

    private var coreCount: Int {
        switch kind {
        case .cnn: units * eventWidth * kernel + units
        case .gru: 3 * units * (eventWidth + units + 2)
        }
    }

    /// Random weights: embeddings normal with deviation .3, convolutions as dense layers of the same number of inputs, the recurrent unit
    /// uniform within 1 / sqrt(units) of 0, as PyTorch starts it.
    func startingParameters(using generator: inout SeededGenerator) -> [Float] {
        var values = (0..<embeddingCount).map { _ in Float(0.3 * generator.normal()) }
        switch kind {
        case .cnn:
            let deviation = (2 / Double(eventWidth * kernel)).squareRoot()
            values += (0..<units * eventWidth * kernel).map { _ in Float(deviation * generator.normal()) }
            values += [Float](repeating: 0, count: units)
        case .gru:
            let bound = 1 / Double(units).squareRoot()
            values += (0..<coreCount).map { _ in Float(bound * (2 * generator.uniform() - 1)) }
        }
        return values
    }

    /// How many events a row has.
    func count(_ input: Span<Float>, at start: Int) -> Int {
        let count = input[start]
        return count.isFinite ? max(0, min(length, Int(count))) : 0
    }

    /// The embedded events of a row, `eventWidth` numbers each.
    func embed(_ input: Span<Float>, at start: Int, count: Int, parameters: Span<Float>) -> [Float] {
        var events = [Float](repeating: 0, count: count * eventWidth)
        for event in 0..<count {
            let source = start + 1 + event * fieldCount
            var column = event * eventWidth
            for number in 0..<numberCount { events[column + number] = input[source + number] }
            column += numberCount
            var table = 0
            for (field, values) in categories.enumerated() {
                let width = Self.embeddingWidth(values)
                let value = index(input[source + numberCount + field], of: values)
                for place in 0..<width { events[column + place] = parameters[table + value * width + place] }
                column += width
                table += values * width
            }
        }
        return events
    }

    /// Carries the gradient by the embedded events to the tables.
    func embedBackward(
        _ input: Span<Float>, at start: Int, count: Int, eventGradient: [Float], into gradient: inout MutableSpan<Float>
    ) {
        for event in 0..<count {
            let source = start + 1 + event * fieldCount
            var column = event * eventWidth + numberCount
            var table = 0
            for (field, values) in categories.enumerated() {
                let width = Self.embeddingWidth(values)
                let value = index(input[source + numberCount + field], of: values)
                for place in 0..<width { gradient[table + value * width + place] += eventGradient[column + place] }
                column += width
                table += values * width
            }
        }
    }

    private func index(_ value: Float, of values: Int) -> Int { value.isFinite ? max(0, min(values - 1, Int(value))) : 0 }

    /// Writes `outputWidth` columns of one row.
    func forward(_ input: Span<Float>, at start: Int, parameters: Span<Float>, into output: inout MutableSpan<Float>, at column: Int) {
        let count = count(input, at: start)
        let events = embed(input, at: start, count: count, parameters: parameters)
        let core = parameters.extracting(embeddingCount..<parameterCount)
        switch kind {
        case .cnn: convolve(events, count: count, core, into: &output, at: column)
        case .gru: recur(events, count: count, core, into: &output, at: column)
        }
    }

    /// Adds one row's gradient by the parameters, given the gradient by its output. Recomputes what the forward pass found.
    func backward(
        _ input: Span<Float>, at start: Int, parameters: Span<Float>, outputGradient: Span<Float>, at column: Int,
        into gradient: inout MutableSpan<Float>
    ) {
        let count = count(input, at: start)
        guard count > 0 else { return }
        let events = embed(input, at: start, count: count, parameters: parameters)
        let core = parameters.extracting(embeddingCount..<parameterCount)
        var eventGradient = [Float](repeating: 0, count: events.count)
        switch kind {
        case .cnn:
            convolveBackward(
                events, count: count, core, outputGradient: outputGradient, at: column, into: &gradient, eventGradient: &eventGradient)
        case .gru:
            recurBackward(
                events, count: count, core, outputGradient: outputGradient, at: column, into: &gradient, eventGradient: &eventGradient)
        }
        embedBackward(input, at: start, count: count, eventGradient: eventGradient, into: &gradient)
    }
}
