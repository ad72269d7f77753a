import HaggleMath

/// A value with its standard error.
struct Score: Sendable {
    /// NaN where undefined.
    var value: Double
    /// Nil where undefined.
    var standardError: Double?
}

/// Makes the intervals that were asked for, from what an evaluation knows of one number.
struct IntervalMaker: Sendable {
    let methods: [Interval.Method]
    let level: Double
    /// What an observation is called where units recur and errors are clustered by them; nil where rows stand for themselves.
    let clusterName: String?
    /// Number of clusters, or of rows where rows stand for themselves.
    let observationCount: Int
    /// As declared; nil where nobody did.
    let rewardRange: ClosedRange<Double>?

    /// An asymptotic sequence is not shown before.
    static let leastSequenceRowCount = 1000
    /// Nor with fewer effective rows with a reward on a side: at 2 % conversion it misses in more than half of all worlds from row 30.
    static let leastSequenceConversions = 40.0

    /// The intervals that exist, in the order in which they were asked for, and why the others do not, one phrase each.
    func intervals(of subject: IntervalSubject) -> (intervals: [Interval], refusals: [String]) {
        var intervals: [Interval] = []
        var refusals: [String] = []
        for method in methods {
            switch bounds(method, subject) {
            case .success(let made):
                intervals.append(
                    Interval(
                        method: method, level: level, lower: made.lower, upper: made.upper,
                        assumptions: made.assumptions + "; " + subject.assumptions))
            case .failure(let refusal):
                if !refusal.reason.isEmpty { refusals.append("no \(method.rawValue) interval: \(refusal.reason)") }
            }
        }
        return (intervals, refusals)
    }

    private struct Bounds {
        var lower: Double
        var upper: Double
        var assumptions: String

        /// Cut to the range in which the truth must lie.
        func clipped(to range: ClosedRange<Double>?) -> Self {
            guard let range else { return self }
            return Self(
                lower: min(max(lower, range.lowerBound), range.upperBound), upper: min(max(upper, range.lowerBound), range.upperBound),
                assumptions: assumptions)
        }
    }

    private struct Refusal: Error {
        /// Empty where the number itself does not exist, which needs no further explanation.
        var reason: String
    }

    private func bounds(_ method: Interval.Method, _ subject: IntervalSubject) -> Result<Bounds, Refusal> {
        switch method {
        case .normal: normal(subject)
        case .bootstrap: bootstrap(subject)
        case .studentT: studentT(subject)
        case .hoeffding: hoeffding(subject)
        case .empiricalBernstein: empiricalBernstein(subject)
        case .clopperPearson: clopperPearson(subject)
        case .cressieRead: cressieRead(subject)
        case .anytime: anytime(subject)
        case .asymptoticAnytime: asymptoticAnytime(subject)
        }
    }

    private var observation: String { clusterName.map { "\($0)s are independent" } ?? "rows are independent" }

    private func normal(_ subject: IntervalSubject) -> Result<Bounds, Refusal> {
        symmetric(
            subject, factor: NormalDistribution.quantile((1 + level) / 2),
            assumptions: "\(observation) and many enough for a normal approximation")
    }

    private func studentT(_ subject: IntervalSubject) -> Result<Bounds, Refusal> {
        guard observationCount >= 2 else { return .failure(Refusal(reason: "")) }
        let degrees = observationCount - 1
        return symmetric(
            subject, factor: StudentT.quantile((1 + level) / 2, degreesOfFreedom: Double(degrees)),
            assumptions: "\(observation) and many enough for the mean to be near normal; \(degrees) degrees of freedom")
    }

    private func symmetric(_ subject: IntervalSubject, factor: Double, assumptions: String) -> Result<Bounds, Refusal> {
        guard let value = subject.score.value.ifFinite, let error = subject.score.standardError else {
            return .failure(Refusal(reason: ""))
        }
        return .success(Bounds(lower: value - factor * error, upper: value + factor * error, assumptions: assumptions))
    }

    private func bootstrap(_ subject: IntervalSubject) -> Result<Bounds, Refusal> {
        guard let replicates = subject.replicates, let bounds = Bootstrap.percentileInterval(replicates, level: level) else {
            return .failure(Refusal(reason: ""))
        }
        return .success(
            Bounds(
                lower: bounds.lower, upper: bounds.upper,
                assumptions: "\(observation); percentiles of \(replicates.count) Poisson resamples"))
    }

    private func hoeffding(_ subject: IntervalSubject) -> Result<Bounds, Refusal> {
        meanBounds(subject, assumptions: "rows are independent and rewards and weights never leave the declared bounds; holds at every n") {
            range, value, _ in
            ConcentrationBounds.hoeffding(mean: value, count: observationCount, range: range, level: level)
        }
    }

    private func empiricalBernstein(_ subject: IntervalSubject) -> Result<Bounds, Refusal> {
        meanBounds(subject, assumptions: "rows are independent and rewards and weights never leave the declared bounds; holds at every n") {
            range, value, variance in
            ConcentrationBounds.empiricalBernstein(
                mean: value, variance: variance, count: observationCount, range: range, level: level)
        }
    }

    /// Bounds for the mean of scores in a known range.
    private func meanBounds(
        _ subject: IntervalSubject, assumptions: String,
        _ make: (_ range: ClosedRange<Double>, _ value: Double, _ variance: Double) -> (lower: Double, upper: Double)?
    ) -> Result<Bounds, Refusal> {
        if let clusterName {
            return .failure(Refusal(reason: "a \(clusterName)'s rows depend on each other, and how many it has is not bounded"))
        }
        guard let range = subject.scoreRange else {
            return .failure(Refusal(reason: "it needs a mean of scores whose bounds follow from the declared ones"))
        }
        guard let value = subject.score.value.ifFinite, let error = subject.score.standardError,
            let bounds = make(range, value, error * error * Double(observationCount))
        else { return .failure(Refusal(reason: "")) }
        return .success(Bounds(lower: bounds.lower, upper: bounds.upper, assumptions: assumptions).clipped(to: subject.truthRange))
    }

    private func clopperPearson(_ subject: IntervalSubject) -> Result<Bounds, Refusal> {
        if let clusterName { return .failure(Refusal(reason: "a \(clusterName)'s rows depend on each other")) }
        guard let share = subject.share else {
            return .failure(Refusal(reason: "it needs rewards of 0 and 1 and rows that all weigh the same or nothing"))
        }
        guard let bounds = ClopperPearson.interval(successes: share.successes, trials: share.trials, level: level) else {
            return .failure(Refusal(reason: ""))
        }
        return .success(
            Bounds(lower: bounds.lower, upper: bounds.upper, assumptions: "rows are independent; exact for \(share.trials) of them"))
    }

    private func cressieRead(_ subject: IntervalSubject) -> Result<Bounds, Refusal> {
        if let clusterName { return .failure(Refusal(reason: "a \(clusterName)'s rows depend on each other")) }
        guard let likelihood = subject.likelihood, let rewardRange else {
            return .failure(Refusal(reason: "it belongs to a policy's value by weights alone"))
        }
        let interval = CressieReadInterval(rewards: rewardRange, largestWeight: likelihood.largestWeight)
        guard let bounds = interval.bounds(likelihood.sums, level: level) else { return .failure(Refusal(reason: "")) }
        return .success(
            Bounds(
                lower: bounds.lower, upper: bounds.upper,
                assumptions: "rows are independent and many; rewards never leave the declared range; the mean weight is truly 1"))
    }

    private func anytime(_ subject: IntervalSubject) -> Result<Bounds, Refusal> {
        guard let bounds = subject.sequence else {
            return .failure(
                Refusal(reason: "it belongs to IPS, and to AIPW and DR with a reward model that was fitted on the past"))
        }
        let truth =
            clusterName.map {
                "\($0)s recur, so it covers the mean over the logged rows of what the policy earns in each, given the rows before, and not the "
                    + "value for new \($0)s"
            } ?? "each row's expected reward under the policy is the same whatever came before, else it covers a weighted mean of them"
        return .success(
            Bounds(
                lower: bounds.lower, upper: bounds.upper,
                assumptions:
                    "holds at all times at once and for logs whose policy learned from earlier rows, rows in the order of the log; "
                    + "rewards never leave the declared range; \(truth)"
            ).clipped(to: subject.truthRange))
    }

    private func asymptoticAnytime(_ subject: IntervalSubject) -> Result<Bounds, Refusal> {
        guard observationCount >= Self.leastSequenceRowCount, subject.effectiveConversions >= Self.leastSequenceConversions else {
            return .failure(
                Refusal(
                    reason:
                        "shown from \(Self.leastSequenceRowCount) observations and \(Int(Self.leastSequenceConversions)) effective rows "
                        + "with a reward on"))
        }
        return symmetric(
            subject, factor: AsymptoticSequence.factor(observationCount: observationCount, level: level),
            assumptions:
                "\(observation); holds over time once a normal approximation does, which skewed amounts of money reach late: do not "
                + "stop an experiment on it then")
    }
}

extension Double {
    /// Nil for NaN and infinities, which reports do not contain.
    var ifFinite: Double? { isFinite ? self : nil }
}
