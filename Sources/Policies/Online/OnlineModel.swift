/// One way to see a context, with the arms' regressions on it and how well they have been predicting.
struct OnlineModel {
    enum Basis: Hashable, Sendable {
        /// phi = (c), a constant: whoever the unit is.
        case intercept
        /// phi = (x, c).
        case context
        /// phi = (x, z, c): the network beside what it sees, so that it need not learn again what is linear.
        case network
    }

    struct Kind: Hashable, Sendable {
        let basis: Basis
        /// Prior precision lambda.
        let ridge: Double
    }

    let kind: Kind
    /// Nil as long as the basis is not there: a network needs rows first.
    private(set) var regressions: ArmRegressions?
    /// Squared errors of the predictions for the arms that were played, made before their rewards were known; discounted.
    private(set) var loss = 0.0

    init(kind: Kind) { self.kind = kind }

    /// Scores features of this basis.
    mutating func score(_ phi: [Double]) { regressions?.score(phi) }

    /// Learns from the row last scored.
    /// - Parameter range: the rewards seen so far; a prediction outside counts as the nearest end.
    mutating func learn(arm: Int, reward: Double, range: ClosedRange<Double>, discount: Double) {
        // Not bound to a name: a second reference would make the update copy every matrix.
        guard let prediction = regressions?.means[arm] else { return }
        let error = min(max(prediction, range.lowerBound), range.upperBound) - reward
        loss = discount * loss + error * error
        regressions?.learn(arm: arm, reward: reward)
    }

    /// Accumulates the regressions afresh, perhaps with other features than before.
    mutating func rebuild(rows: [[Double]], rewards: [[Double]], dimension: Int) {
        var fresh =
            regressions.flatMap { $0.dimension == dimension ? $0 : nil }
            ?? ArmRegressions(dimension: dimension, armCount: rewards.count, ridge: kind.ridge)
        fresh.rebuild(rows: rows, rewards: rewards)
        regressions = fresh
    }

    /// Begins with the loss of another model: one that comes later has had no time to err.
    mutating func startLoss(_ loss: Double) { self.loss = loss }
}
