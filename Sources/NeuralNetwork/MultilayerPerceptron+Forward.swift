extension MultilayerPerceptron {
    /// Writes the last hidden layer, after its activation, of one row (the row itself where there is no hidden layer).
    /// - Parameter output: its first `representationWidth` numbers are overwritten; reallocated only if it is shorter.
    package func represent(_ input: [Float], into output: inout [Float]) {
        if output.count < representationWidth { output = [Float](repeating: 0, count: representationWidth) }
        var span = output.mutableSpan
        represent(input.span, rowCount: 1, into: &span)
    }

    /// Writes every head's output of one row.
    /// - Parameter output: its first `outputWidth` numbers are overwritten; reallocated only if it is shorter.
    package func predict(_ input: [Float], into output: inout [Float]) {
        if output.count < outputWidth { output = [Float](repeating: 0, count: outputWidth) }
        var span = output.mutableSpan
        predict(input.span, rowCount: 1, into: &span)
    }

    /// Writes the representation of each of `rowCount` rows, row-major; the bits of a row do not depend on the others.
    package func represent(_ input: Span<Float>, rowCount: Int, into output: inout MutableSpan<Float>) {
        let width = representationWidth
        precondition(input.count >= rowCount * inputWidth && output.count >= rowCount * width, "the rows do not fit the network")
        guard isPlain else {
            for row in 0..<rowCount {
                let values = represented(input, at: row * inputWidth)
                for index in 0..<width { output[row * width + index] = values[index] }
            }
            return
        }
        // Row by row inside the spans, whose lengths were just checked; the scratch lives for the call.
        unsafe withPointers(input, &output) { input, output, parameters, scratch in
            for row in 0..<rowCount {
                unsafe represent(input + row * inputWidth, parameters: parameters, scratch: scratch, into: output + row * width)
            }
        }
    }

    /// Writes every head's output for each of `rowCount` rows, row-major; the bits of a row do not depend on the others.
    package func predict(_ input: Span<Float>, rowCount: Int, into output: inout MutableSpan<Float>) {
        precondition(input.count >= rowCount * inputWidth && output.count >= rowCount * outputWidth, "the rows do not fit the network")
        guard isPlain else {
            var outputs = [Float](repeating: 0, count: outputWidth)
            for row in 0..<rowCount {
                heads(of: represented(input, at: row * inputWidth), into: &outputs)
                for index in 0..<outputWidth { output[row * outputWidth + index] = outputs[index] }
            }
            return
        }
        let heads = denseLayers[hidden.count]
        let headOffset = parameters.count - heads.parameterCount
        // As above; the representation lies in the scratch behind the two buffers that `represent` uses.
        unsafe withPointers(input, &output) { input, output, parameters, scratch in
            let representation = unsafe scratch + 2 * widestHidden
            for row in 0..<rowCount {
                unsafe represent(input + row * inputWidth, parameters: parameters, scratch: scratch, into: representation)
                unsafe heads.forward(row: representation, parameters: parameters + headOffset, into: output + row * outputWidth)
            }
        }
    }

    /// Writes every head's output from a representation: the bits that `predict` gives for the row it came from.
    package func heads(of representation: [Float], into output: inout [Float]) {
        precondition(representation.count == representationWidth, "a representation has \(representationWidth) numbers")
        if output.count < outputWidth { output = [Float](repeating: 0, count: outputWidth) }
        let heads = denseLayers[hidden.count]
        let headOffset = parameters.count - heads.parameterCount
        // Lengths as checked and made above.
        unsafe representation.withUnsafeBufferPointer { representation in
            unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe parameters.withUnsafeBufferPointer { parameters in
                    guard let representation = representation.baseAddress, let output = output.baseAddress,
                        let parameters = parameters.baseAddress
                    else { return }
                    unsafe heads.forward(row: representation, parameters: parameters + headOffset, into: output)
                }
            }
        }
    }

    /// The representation of one row of a network that is not plain.
    private func represented(_ input: Span<Float>, at start: Int) -> [Float] {
        let parameters = parameters.span
        var offset = 0
        var values: [Float]
        if let layer = sequenceLayer {
            values = [Float](repeating: 0, count: layer.outputWidth)
            var span = values.mutableSpan
            layer.forward(row: input, at: start, parameters: parameters, into: &span, at: 0)
            offset = layer.parameterCount
        } else {
            values = (0..<inputWidth).map { input[start + $0] }
        }
        for block in blocks {
            values = block.forward(row: values, parameters: parameters.extracting(offset..<offset + block.parameterCount))
            offset += block.parameterCount
        }
        return values
    }

    private var widestHidden: Int { hidden.max() ?? 0 }

    /// Lends input, output, parameters and a scratch of two of the widest hidden layers and one representation.
    @inline(__always)
    private func withPointers(
        _ input: Span<Float>, _ output: inout MutableSpan<Float>,
        _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        unsafe input.withUnsafeBufferPointer { input in
            unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe parameters.withUnsafeBufferPointer { parameters in
                    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * widestHidden + representationWidth + 1) { scratch in
                        guard let output = output.baseAddress, let scratch = scratch.baseAddress else { return }
                        // A network without inputs has no input address; nothing is read from the stand-in.
                        unsafe body(
                            input.baseAddress ?? UnsafePointer(scratch), output, parameters.baseAddress ?? UnsafePointer(scratch), scratch)
                    }
                }
            }
        }
    }

    /// One row through the hidden layers, which take turns between two halves of the scratch; the last writes to `output`.
    @inline(__always)
    private func represent(
        _ input: UnsafePointer<Float>, parameters: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>,
        into output: UnsafeMutablePointer<Float>
    ) {
        // The caller vouches for the lengths.
        guard !hidden.isEmpty else { return unsafe output.update(from: input, count: inputWidth) }
        var source = unsafe input
        var layerParameters = unsafe parameters
        for index in 0..<hidden.count {
            let layer = denseLayers[index]
            let target = unsafe index == hidden.count - 1 ? output : scratch + (index % 2) * widestHidden
            unsafe layer.forward(row: source, parameters: layerParameters, into: target)
            unsafe activation.apply(to: target, count: layer.outputWidth)
            unsafe source = UnsafePointer(target)
            unsafe layerParameters += layer.parameterCount
        }
    }
}
