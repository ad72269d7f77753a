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
        var (whole, bare, theirs) = (0.0, 0.0, 0.0)
        // They take turns and each shows its best, so that a busy moment of the machine hurts none alone.
        for _ in 0..<3 {
            whole = max(whole, try wholeRoundsPerSecond())
            bare = max(bare, bareRoundsPerSecond())
            if let peer {
                let figures = try peer.run(Self.script, [rounds / 4, width, armCount])
                guard let figure = figures["rounds_per_second"] else { throw BenchError.estimateMissing("rounds_per_second") }
                theirs = max(theirs, figure)
            }
        }
        Bench.report("linear-ucb, 52 features, 7 arms (aim: 160 000)", "\(Bench.fixed(whole, 0)) rounds/s")
        Bench.report("its scores, largest bound and update alone", "\(Bench.fixed(bare, 0)) rounds/s")
        guard peer != nil else {
            Bench.report("LinUCB in numpy", "not measured: set HAGGLE_NUMPY_PYTHON to a Python that has numpy")
            return
        }
        Bench.report("LinUCB in numpy: scores, largest bound and update", "\(Bench.fixed(theirs, 0)) rounds/s")
        Bench.report("ratio to numpy, the same work (aim: at least 10)", Bench.fixed(bare / theirs))
        Bench.report("ratio to numpy, the whole of ours", Bench.fixed(whole / theirs))
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

    /// Li, Chu, Langford & Schapire 2010, disjoint, with the inverse kept by Sherman & Morrison's formula.
    private static let script = """
        import json, sys, time
        import numpy as np
        rounds, width, arms = (int(word) for word in sys.argv[1:])
        random = np.random.default_rng(4)
        contexts = random.standard_normal((4096, width))
        noise = random.standard_normal(rounds)
        inverses = [np.eye(width) for _ in range(arms)]
        moments = [np.zeros(width) for _ in range(arms)]
        thetas = [np.zeros(width) for _ in range(arms)]
        scores = np.zeros(arms)
        start = time.perf_counter()
        for index in range(rounds):
            x = contexts[index % 4096]
            for arm in range(arms):
                scores[arm] = thetas[arm] @ x + 1.0 * np.sqrt(x @ inverses[arm] @ x)
            arm = int(np.argmax(scores))
            reward = x[arm] + noise[index]
            product = inverses[arm] @ x
            inverses[arm] -= np.outer(product, product) / (1 + x @ product)
            moments[arm] += reward * x
            thetas[arm] = inverses[arm] @ moments[arm]
        print(json.dumps(dict(rounds_per_second=rounds / (time.perf_counter() - start))))
        """
}
