import HaggleCore
import HaggleMath
import Policies

/// Rounds of a linear bandit, choose and learn, with 52 features and 7 arms, beside LinUCB in numpy.
///
/// Two figures of ours: the whole of what `haggle bakeoff` plays for `linear-ucb`, with the running standardisation of columns, the noise
/// estimate and the re-accumulations that the peer leaves out; and the work that the peer does, scores, largest bound and update.
struct LinearRoundBench {
    private let rounds = 40_000
    private let width = 52
    private let armCount = 7

    func run() throws {
        let peer = PythonPeer(variable: "HAGGLE_NUMPY_PYTHON")
        var (whole, bare, looped, stacked) = (0.0, 0.0, 0.0, 0.0)
        // They take turns and each shows its best, so that a busy moment of the machine hurts none alone.
        for _ in 0..<3 {
            whole = max(whole, try wholeRoundsPerSecond())
            bare = max(bare, bareRoundsPerSecond())
            if let peer {
                let figures = try peer.run(Self.script, [rounds / 4, width, armCount])
                guard let one = figures["looped"], let other = figures["stacked"] else { throw BenchError.estimateMissing("looped") }
                (looped, stacked) = (max(looped, one), max(stacked, other))
            }
        }
        Bench.report("linear-ucb, 52 features, 7 arms (aim: 160 000)", "\(Bench.fixed(whole, 0)) rounds/s")
        Bench.report("its scores, largest bound and update alone", "\(Bench.fixed(bare, 0)) rounds/s")
        guard peer != nil else {
            Bench.report("LinUCB in numpy", "not measured: set HAGGLE_NUMPY_PYTHON to a Python that has numpy")
            return
        }
        Bench.report("LinUCB in numpy, arm by arm", "\(Bench.fixed(looped, 0)) rounds/s")
        Bench.report("ratio, the same work (aim: at least 10)", Bench.fixed(bare / looped))
        Bench.report("ratio, the whole of ours", Bench.fixed(whole / looped))
        Bench.report("LinUCB in numpy, all arms in one product", "\(Bench.fixed(stacked, 0)) rounds/s")
        Bench.report("ratio, the same work", Bench.fixed(bare / stacked))
    }

    private func wholeRoundsPerSecond() throws -> Double {
        var generator = SeededGenerator(seed: 4)
        let contexts = (0..<4096).map { _ in (0..<width).map { _ in Float(generator.normal()) } }
        let noise = (0..<rounds).map { _ in generator.normal() }
        let policy = PolicyConfiguration(algorithm: .linearUCB, floor: 0)
        var learner = try OnlineLearner(policy, width: width, arms: (0..<armCount).map { ArmKey("a\($0)") }, seed: 1)
        let seconds = try Bench.seconds {
            for round in 0..<rounds {
                let context = contexts[round % contexts.count]
                let arm = learner.choose(context).draw(generator.uniform())
                try learner.learn(arm: arm, reward: Double(context[arm]) + noise[round])
            }
        }
        return Double(rounds) / seconds
    }

    private func bareRoundsPerSecond() -> Double {
        var generator = SeededGenerator(seed: 4)
        let contexts = (0..<4096).map { _ in (0..<width).map { _ in generator.normal() } }
        let noise = (0..<rounds).map { _ in generator.normal() }
        var regressions = ArmRegressions(dimension: width, armCount: armCount, ridge: 1)
        let seconds = Bench.seconds {
            for round in 0..<rounds {
                let context = contexts[round % contexts.count]
                regressions.score(context)
                var (chosen, largest) = (0, -Double.infinity)
                for arm in 0..<armCount {
                    let bound = regressions.means[arm] + regressions.leverages[arm].squareRoot()
                    if bound > largest { (chosen, largest) = (arm, bound) }
                }
                regressions.learn(arm: chosen, reward: context[chosen] + noise[round])
            }
        }
        return Double(rounds) / seconds
    }

    /// Li, Chu, Langford & Schapire 2010, disjoint, with the inverse kept by Sherman & Morrison's formula: as the paper writes it, arm by arm,
    /// and with the arms stacked, what a careful user of numpy would write.
    private static let script = """
        import json, sys, time
        import numpy as np
        rounds, width, arms = (int(word) for word in sys.argv[1:])
        random = np.random.default_rng(4)
        contexts = random.standard_normal((4096, width))
        noise = random.standard_normal(rounds)
        def looped():
            inverses = [np.eye(width) for _ in range(arms)]
            moments = [np.zeros(width) for _ in range(arms)]
            thetas = [np.zeros(width) for _ in range(arms)]
            scores = np.zeros(arms)
            for index in range(rounds):
                x = contexts[index % 4096]
                for arm in range(arms):
                    scores[arm] = thetas[arm] @ x + np.sqrt(x @ inverses[arm] @ x)
                arm = int(np.argmax(scores))
                reward = x[arm] + noise[index]
                product = inverses[arm] @ x
                inverses[arm] -= np.outer(product, product) / (1 + x @ product)
                moments[arm] += reward * x
                thetas[arm] = inverses[arm] @ moments[arm]
        def stacked():
            inverses = np.stack([np.eye(width)] * arms)
            thetas = np.zeros((arms, width))
            for index in range(rounds):
                x = contexts[index % 4096]
                products = inverses @ x
                leverages = products @ x
                means = thetas @ x
                arm = int(np.argmax(means + np.sqrt(leverages)))
                step = products[arm] / (1 + leverages[arm])
                inverses[arm] -= np.outer(products[arm], step)
                thetas[arm] += (x[arm] + noise[index] - means[arm]) * step
        figures = {}
        for play in (looped, stacked):
            start = time.perf_counter()
            play()
            figures[play.__name__] = rounds / (time.perf_counter() - start)
        print(json.dumps(figures))
        """
}
