import HaggleCore

/// What `auto` regresses on when it serves: the encoded context or a network's last layer, whichever predicts better what came later.
///
/// Both are fitted to the older four fifths of the rows and predict the rewards of the newest fifth for the arms that were played (prequential
/// validation in one step: Dawid 1984). The network has to win by more than a standard error of the paired differences of squared errors: one that
/// says no more than the context only widens what has to be explored. The winner is then fitted to all rows, so nothing that serves depends on the split but this one choice.
struct RepresentationChoice {
    let basis: Representation.Basis
    /// Mean squared error of each on the newest rows, in the reward's unit squared.
    let contextLoss: Double
    let networkLoss: Double
    /// Of the difference of the two.
    let standardError: Double

    /// - Parameters:
    ///   - interactions: arms are positions in the experiment's arms.
    ///   - order: their positions in the order of time.
    ///   - weights: one per position of `order`.
    /// - Throws: what the network's trainer throws.
    /// - Complexity: one more training of the network, on four fifths of the rows.
    init(_ experiment: Experiment, _ version: ExperimentVersion, interactions: [Interaction], order: [Int], weights: [Double]) throws {
        let cut = order.count * 4 / 5
        let older = order[..<cut].map { interactions[$0] }
        var errors: [[Double]] = []
        for algorithm in [PolicyConfiguration.Algorithm.linearThompson, .neuralThompson] {
            var candidate = experiment
            candidate.policy?.algorithm = algorithm
            let scores = ArmScores(
                try PolicyLearner.refit(candidate, experimentVersion: version, interactions: older).snapshot(version: 1))
            errors.append(
                order[cut...].map { position in
                    let row = interactions[position]
                    let error = row.reward - scores(of: [row.arm], in: row.context).means[0]
                    return error * error
                })
        }
        let omegas = Array(weights[cut...])
        let total = omegas.reduce(0, +)
        func mean(_ values: [Double]) -> Double {
            var sum = 0.0
            for (value, omega) in zip(values, omegas) { sum += omega * value }
            return total > 0 ? sum / total : 0
        }
        (contextLoss, networkLoss) = (mean(errors[0]), mean(errors[1]))
        let gain = contextLoss - networkLoss
        let squares = zip(zip(errors[0], errors[1]), omegas).reduce(0.0) { sum, pair in
            let residual = pair.1 * (pair.0.0 - pair.0.1 - gain)
            return sum + residual * residual
        }
        standardError = total > 0 ? squares.squareRoot() / total : .infinity
        basis = gain > standardError ? .network : .context
    }

    /// Below so many rows the newest fifth says nothing.
    static let leastRowCount = 320
}
