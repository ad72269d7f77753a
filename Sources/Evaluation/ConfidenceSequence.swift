import HaggleMath

/// A lower confidence bound for a mean that holds at all times at once, for numbers that may depend on everything before them.
///
/// Number t is phi_t >= -k_t with mean nu in 0...1 given the past, where k_t >= 0 is known before it comes. With
///
/// ```
/// xi_t = phi_t / (k_t + 1),   c_t = min(mean of xi_1..xi_(t-1), 1 / (k_t + 1)),   psi(l) = -ln(1 - l) - l
/// M_t(nu) = exp(sum of l_i (xi_i - nu / (k_i + 1)) - (xi_i - c_i)^2 psi(l_i))
/// ```
/// M is a supermartingale for every l_t in 0..<1 that is known before t, because xi_t - c_t >= -1 (Fan, Grama & Liu 2015; Howard et al. 2021),
/// so it exceeds 1 / alpha at any time with probability alpha at most (Ville), and
///
/// ```
/// L_t = [sum l_i phi_i / (k_i + 1) - ln(1 / alpha) - sum (xi_i - c_i)^2 psi(l_i)] / sum l_i / (k_i + 1)
/// ```
/// is below nu at all times at once, but for a share alpha of all worlds. Where the means differ from row to row, L_t is a bound for their
/// mean weighted by l_i / (k_i + 1); for the same reason bounds of different times are not intersected here.
///
/// l_t = min(sqrt(2 ln(1/alpha) / (s_t ln(1 + t))), 1/2), s_t = 1/4 + sum over i < t of (xi_i - mean of xi_1..xi_i)^2, which is near the
/// best for the variance seen so far and at no time promises more than it can hold.
///
/// Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro 2022, "Anytime-valid off-policy inference for contextual bandits".
package struct ConfidenceSequence: Hashable, Sendable, Codable {
    /// The largest l: larger bets lose too much on one heavy row.
    static let largestBet = 0.5

    /// Share of worlds in which the bound may ever exceed the mean.
    package let alpha: Double
    /// Numbers so far.
    package private(set) var count = 0
    private var gain = 0.0
    private var penalty = 0.0
    private var scale = 0.0
    private var mean = 0.0
    private var squares = 0.25

    package init(alpha: Double) {
        precondition(alpha > 0 && alpha < 1, "alpha must lie between 0 and 1")
        self.alpha = alpha
    }

    /// Adds a number. O(1).
    /// - Parameters:
    ///   - outcome: phi, at least -offset.
    ///   - offset: k.
    package mutating func add(_ outcome: Double, offset: Double) {
        precondition(offset >= 0 && outcome >= -offset - 1e-9 * (1 + offset), "the outcome must not lie below minus its offset")
        let step = Double(count + 1)
        let bet = min(
            (2 * ElementaryFunctions.log(1 / alpha) / (squares * ElementaryFunctions.logOnePlus(step))).squareRoot(), Self.largestBet)
        let scaled = outcome / (offset + 1)
        let centre = min(count > 0 ? mean : 0, 1 / (offset + 1))
        gain += bet * scaled
        penalty += (scaled - centre) * (scaled - centre) * (-ElementaryFunctions.logOnePlus(-bet) - bet)
        scale += bet / (offset + 1)
        count += 1
        mean += (scaled - mean) / step
        squares += (scaled - mean) * (scaled - mean)
    }

    /// L_t; minus infinity without numbers.
    package var lowerBound: Double {
        count > 0 ? (gain - ElementaryFunctions.log(1 / alpha) - penalty) / scale : -.infinity
    }
}
