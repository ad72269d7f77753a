import Features
import HaggleCore
import NeuralNetwork

extension Representation {
    /// The bits of `phi(context)`, written to the workspace's `phi`; the two usual representations allocate nothing.
    func writePhi(_ context: Context, into workspace: inout ChoiceWorkspace) {
        if basis == .network, let network {
            writeInput(context, into: &workspace.input)
            network.represent(workspace.input, into: &workspace.hidden)
            Self.appendOne(workspace.hidden, count: network.representationWidth, into: &workspace.phi)
        } else if basis == .context {
            writeInput(context, into: &workspace.input)
            Self.appendOne(workspace.input, count: encoder.width, into: &workspace.phi)
        } else {
            workspace.phi = phi(context)
        }
    }

    private func writeInput(_ context: Context, into input: inout [Float]) {
        while input.count < encoder.width { input.append(0) }
        if input.count > encoder.width { input.removeLast(input.count - encoder.width) }
        encoder.encode(context, into: &input)
        scaling.apply(&input)
    }

    private static func appendOne(_ values: [Float], count: Int, into phi: inout [Double]) {
        ChoiceWorkspace.resize(&phi, to: count + 1)
        for index in 0..<count { phi[index] = values[index].isFinite ? Double(values[index]) : 0 }
        phi[count] = 1
    }
}
