import HaggleMath
import NeuralNetwork

/// Training a network with hidden layers [64, 32] on 20 features and 6 heads, beside PyTorch on rows made alike; one thread each.
struct TrainingBench {
    private let rowCount = 32_768
    private let width = 20
    private let heads = 6
    private let epochs = 5

    func run() throws {
        let peer = PythonPeer(variable: "HAGGLE_TORCH_PYTHON")
        var ours = 0.0
        var theirs = 0.0
        // The two take turns and each shows its best, so that a busy moment of the machine hurts neither alone.
        for _ in 0..<3 {
            ours = max(ours, try rowsPerSecond())
            if let peer {
                let figures = try peer.run(Self.script, [rowCount, width, heads, epochs])
                guard let figure = figures["rows_per_second"] else { throw BenchError.estimateMissing("rows_per_second") }
                theirs = max(theirs, figure)
            }
        }
        Bench.report("training [64, 32], batches of 256, one thread", "\(Bench.fixed(ours, 0)) rows/s")
        guard peer != nil else {
            Bench.report("PyTorch, the same", "not measured: set HAGGLE_TORCH_PYTHON to a Python that has torch")
            return
        }
        Bench.report("PyTorch, the same", "\(Bench.fixed(theirs, 0)) rows/s")
        Bench.report("ratio to PyTorch (aim: at least 1)", Bench.fixed(ours / theirs, 2))
    }

    private func rowsPerSecond() throws -> Double {
        var generator = SeededGenerator(seed: 3)
        let inputs = (0..<rowCount * width).map { _ in Float(generator.normal()) }
        let played = (0..<rowCount).map { Int32($0 % heads) }
        let targets = (0..<rowCount).map { Float(generator.normal()) + inputs[$0 * width] }
        let network = MultilayerPerceptron(inputWidth: width, hidden: [64, 32], outputWidth: heads, activation: .relu, seed: 1)
        let configuration = NetworkTrainer.Configuration(epochs: epochs, validationShare: 0)
        var passes = 0
        let seconds = try Bench.seconds {
            passes = try NetworkTrainer.train(
                network, inputs: inputs, rowCount: rowCount, head: played, targets: targets, configuration: configuration
            ).report.epochs.count
        }
        return Double(passes * rowCount) / seconds
    }

    /// The same model, loss, batches and optimiser; of AdamW's two implementations on a CPU the faster.
    private static let script = """
        import json, sys, time
        import torch
        torch.set_num_threads(1)
        rows, width, heads, epochs = (int(word) for word in sys.argv[1:])
        torch.manual_seed(3)
        inputs = torch.randn(rows, width)
        played = torch.arange(rows) % heads
        targets = torch.randn(rows) + inputs[:, 0]
        def train(fused, epochs):
            model = torch.nn.Sequential(torch.nn.Linear(width, 64), torch.nn.ReLU(), torch.nn.Linear(64, 32), torch.nn.ReLU(),
                                        torch.nn.Linear(32, heads))
            optimiser = torch.optim.AdamW(model.parameters(), lr=0.002, weight_decay=0.0001, fused=fused)
            start = time.perf_counter()
            for _ in range(epochs):
                for batch in torch.randperm(rows).split(256):
                    outputs = model(inputs[batch]).gather(1, played[batch, None])[:, 0]
                    loss = torch.nn.functional.mse_loss(outputs, targets[batch])
                    optimiser.zero_grad(set_to_none=True)
                    loss.backward()
                    optimiser.step()
            return epochs * rows / (time.perf_counter() - start)
        best = 0
        for fused in (False, True):
            train(fused, 1)
            best = max(best, train(fused, epochs))
        print(json.dumps(dict(rows_per_second=best)))
        """
}
