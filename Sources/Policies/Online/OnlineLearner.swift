package import HaggleCore
import HaggleMath
import NeuralNetwork

/// A bandit that plays a stream round by round and sees each reward at once: what `haggle bakeoff` runs.
///
/// Every round: `choose` gives exact probabilities, the caller draws an arm, `learn` takes its reward. Nothing is known of a row before it is
/// played: columns are standardised by running moments, and network, standardisation and regressions are fitted afresh to what has been
/// played, at rounds 1, 2, 4, ... 64, 100 and then every `max(100, 5 %)` rounds; without a network whenever the rounds have doubled, and
/// every 20 000, and sooner where a column begins to vary. In between, the arms' regressions take one rank-one update a round.
///
/// `linear-*` regress on the context x, `neural-*` on [x ; z], z the last hidden layer of a network (neural-linear: Riquelme, Tucker & Snoek
/// 2018; x beside z so that what is linear need not be learned twice); of other algorithms `model: {kind: linear}` decides. Rewards of any
/// scale: multiplying all by a constant leaves every probability as it is, but for rounding inside the network.
///
/// `auto` runs both models beside each other, on x and on [x ; z]. All learn from every round; the one with the
/// smallest discounted squared error on the played arms, each predicted before its reward was known (prequential: Dawid 1984), chooses, with
/// a narrow upper confidence bound.
package struct OnlineLearner {
    package let armCount: Int
    private let configuration: PolicyConfiguration
    private let rule: OnlineRule
    private let seed: UInt64
    private let all: [Int]
    private let best = ProbabilityOfBest()
    private var models: [OnlineModel]
    /// Position of the model that chooses.
    private(set) var champion = 0
    private var running: RunningScaling
    private var scaling: RunningScaling.Scaling
    private var hidden: HiddenFeatures?
    private var played: PlayedRows
    private var rewards = RunningMoment()
    /// The rounds of the next fit, and of one that a new column asks for.
    private var nextFit = 1
    private var earliestFit = 1
    /// The context of the round, as it came and scaled.
    private var context: [Float] = []
    private var x: [Float]
    private var scratch: [Float] = []
    private var phi: [Double] = []
    /// Fits of the network that diverged; the one before stayed.
    package private(set) var failedFits = 0

    /// An algorithm before its first round.
    /// - Parameters:
    ///   - configuration: the algorithm and its settings; times (`retrain`, `publish`, `forget`) are not read.
    ///   - width: numbers of a context.
    ///   - arms: their names, for `probabilities`; not empty.
    ///   - seed: of the network; equal seeds, contexts and rewards give the same bits on one machine.
    /// - Throws: `PoliciesError.notIncremental` for `ipw` and `dr`.
    package init(_ configuration: PolicyConfiguration, width: Int, arms: [ArmKey], seed: UInt64) throws(PoliciesError) {
        precondition(!arms.isEmpty && width >= 0, "a learner needs an arm")
        self.configuration = configuration
        self.seed = mix64(seed ^ mix64(configuration.seed))
        rule = try OnlineRule(configuration, arms: arms)
        armCount = arms.count
        all = Array(arms.indices)
        models = Self.kinds(of: configuration, width: width).map { OnlineModel(kind: $0) }
        running = RunningScaling(width: width)
        scaling = running.scaling
        played = PlayedRows(width: width, capacity: Self.capacity)
        x = [Float](repeating: 0, count: width)
        for index in models.indices where models[index].kind.basis != .network {
            models[index].rebuild(
                rows: all.map { _ in [] }, rewards: all.map { _ in [] }, dimension: models[index].kind.basis == .context ? width + 1 : 1)
        }
    }

    private static func kinds(of configuration: PolicyConfiguration, width: Int) -> [OnlineModel.Kind] {
        let ridge = configuration.ridge
        let isLinear = configuration.model.kind == .linear || width == 0
        switch configuration.algorithm {
        case .fixed, .uniform, .apprentice: return []
        case .bernoulliThompson: return [.init(basis: .intercept, ridge: ridge)]
        case .linearThompson, .linearUCB: return [.init(basis: .context, ridge: ridge)]
        case .auto:
            let bases: [OnlineModel.Basis] = isLinear ? [.context] : [.context, .network]
            return bases.map { .init(basis: $0, ridge: ridge) }
        case .greedy, .epsilonGreedy, .softmax, .squareCB, .topTwoThompson, .neuralThompson, .neuralUCB, .ipw, .dr:
            // The context alone until there are rows for a network.
            let context = OnlineModel.Kind(basis: .context, ridge: ridge)
            return isLinear ? [context] : [context, .init(basis: .network, ridge: ridge)]
        }
    }

    /// The probabilities of the arms for a context, which `learn` then learns from.
    /// - Parameter context: as many finite numbers as `init` was told.
    /// - Complexity: O(models K d^2).
    package mutating func choose(_ context: [Float]) -> ArmDistribution {
        precondition(context.count == x.count, "a context has as many numbers as the first")
        self.context = context
        let floor = min(configuration.floor, 1 / Double(armCount))
        guard !models.isEmpty else {
            let shares = rule.shares(
                means: all.map { _ in 0 }, deviations: all.map { _ in 0 }, scale: 0, dimension: 1, count: 0, best: best)
            return ArmDistribution(weights: shares, floor: floor, eligible: all)
        }
        scaling.apply(context[...], into: &x)
        for index in models.indices where models[index].regressions != nil {
            phi.removeAll(keepingCapacity: true)
            if models[index].kind.basis != .intercept {
                for value in x { phi.append(Double(value)) }
            }
            if models[index].kind.basis == .network { hidden?.append(of: x, to: &phi, scratch: &scratch) }
            phi.append(Self.constant)
            models[index].score(phi)
        }
        guard let regressions = models[champion].regressions else { preconditionFailure("the champion has regressions") }
        if configuration.algorithm == .auto, regressions.counts.contains(where: { $0 < Self.leastTries }) {
            return ArmDistribution(weights: regressions.counts.map { $0 < Self.leastTries ? 1 : 0 }, floor: floor, eligible: all)
        }
        let spread = rewards.variance
        let pooled = configuration.variance.map { $0 * spread } ?? regressions.noise(spread: spread)
        // The largest variance that rewards in this range can have (Popoviciu), for an arm without rows of its own, whose noise need not be
        // that of the others; its share falls with the square of the rows, so that an unlucky first round does not end an arm.
        let widest = rewards.reach * rewards.reach / 4
        let deviations = all.map { arm -> Double in
            let rows = 1 + regressions.counts[arm]
            return ((pooled + widest / (rows * rows)) * regressions.leverages[arm]).squareRoot()
        }
        let shares = rule.shares(
            means: regressions.means, deviations: deviations, scale: spread.squareRoot(), dimension: regressions.dimension,
            count: played.count, best: best)
        return ArmDistribution(weights: shares, floor: floor, eligible: all)
    }

    /// Learns the reward of an arm in the context last chosen for.
    /// - Parameter reward: finite.
    /// - Throws: `CancellationError` where the task was cancelled during a fit.
    /// - Complexity: O(models d^2), and a fit now and then.
    package mutating func learn(arm: Int, reward: Double) throws {
        guard !models.isEmpty else { return }
        precondition(all.contains(arm) && reward.isFinite, "an arm that is there and a finite reward")
        rewards.add(reward)
        running.add(context[...])
        for index in models.indices {
            models[index].learn(arm: arm, reward: reward, range: rewards.low...rewards.high, discount: Self.discount)
        }
        played.append(context, arm: arm, reward: reward)
        chooseChampion()
        let count = played.playedCount
        guard count >= nextFit || (running.hasNewColumn && count >= earliestFit) else { return }
        try fit()
        earliestFit = count < 64 ? 2 * count : count < 100 ? 100 : max(count + 100, Int(Double(count) * Self.growth))
        let hasNetwork = models.contains { $0.kind.basis == .network }
        nextFit = hasNetwork ? earliestFit : count + min(count, Self.longestPause)
    }

    /// `auto` takes the model of the smallest loss; others the last that is there.
    private mutating func chooseChampion() {
        guard configuration.algorithm == .auto else {
            champion = models.lastIndex { $0.regressions != nil } ?? 0
            return
        }
        for index in models.indices where models[index].regressions != nil && models[index].loss < models[champion].loss {
            champion = index
        }
    }

    /// Fits everything afresh to what has been played.
    private mutating func fit() throws {
        let (count, width) = (played.count, played.width)
        scaling = running.scaling
        running.hasNewColumn = false
        var inputs: [Float] = []
        inputs.reserveCapacity(count * width)
        var row = [Float](repeating: 0, count: width)
        for index in 0..<count {
            scaling.apply(played.context(at: index), into: &row)
            inputs += row
        }
        let needsNetwork = models.contains { $0.kind.basis == .network }
        if needsNetwork && played.playedCount >= Self.leastNetworkRows {
            do {
                hidden = try HiddenFeatures(
                    fittedTo: inputs, arms: played.arms, rewards: played.rewards, armCount: armCount, model: configuration.model,
                    previous: hidden, seed: seed)
            } catch {
                if error == .cancelled { throw CancellationError() }
                failedFits += 1
            }
        }
        var rewards = [[Double]](repeating: [], count: armCount)
        for index in 0..<count { rewards[Int(played.arms[index])].append(played.rewards[index]) }
        for basis in Set(models.map(\.kind.basis)) where basis != .network || hidden != nil {
            let (rows, dimension) = features(of: inputs, basis: basis)
            for index in models.indices where models[index].kind.basis == basis {
                if models[index].regressions == nil, let loss = models.first(where: { $0.regressions != nil })?.loss {
                    models[index].startLoss(loss)
                }
                models[index].rebuild(rows: rows, rewards: rewards, dimension: dimension)
            }
        }
        chooseChampion()
    }

    /// phi of every row that was kept, by arm.
    private mutating func features(of inputs: [Float], basis: OnlineModel.Basis) -> (rows: [[Double]], dimension: Int) {
        let width = played.width
        let dimension = (basis == .intercept ? 0 : width) + (basis == .network ? hidden?.width ?? 0 : 0) + 1
        var counts = [Int](repeating: 0, count: armCount)
        for arm in played.arms { counts[Int(arm)] += 1 }
        var rows = [[Double]](repeating: [], count: armCount)
        for arm in all { rows[arm].reserveCapacity(counts[arm] * dimension) }
        for index in 0..<played.count {
            let arm = Int(played.arms[index])
            let input = inputs[index * width..<(index + 1) * width]
            if basis != .intercept { rows[arm].append(contentsOf: input.lazy.map { Double($0) }) }
            if basis == .network { hidden?.append(of: Array(input), to: &rows[arm], scratch: &scratch) }
            rows[arm].append(Self.constant)
        }
        return (rows, dimension)
    }

    /// Rows kept for fits.
    private static let capacity = 100_000
    /// Rounds before the first network.
    private static let leastNetworkRows = 100
    private static let growth = 1.05
    /// Most rounds between two fits without a network, when only standardisation and rounding are renewed.
    private static let longestPause = 20_000
    /// Of the loss: about the last thousand rounds count.
    private static let discount = 0.999
    /// Rounds that `auto` gives every arm before it reads scores: one unlucky round is not to end an arm.
    private static let leastTries = 2.0
    /// The element of phi that is the same in every row. Its square divides the prior precision of the intercept: an arm's overall reward is
    /// believed after fewer rounds than what a context adds to it, so that no arm is given up, or taken for the best, before it was tried.
    private static let constant = 3.0
}
