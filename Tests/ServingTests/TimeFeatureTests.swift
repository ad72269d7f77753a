import HaggleCore
import HaggleMath
import Policies
import Serving
import Testing

struct TimeFeatureTests {
    private static func experiment() -> Experiment {
        ServingFixture.experiment { $0.context.features += TimeFeatures.features }
    }

    /// Sunday 15 November 2026, noon in UTC: the 319th day of the year.
    @Test func assignmentIsChosenOnTheMomentAndLogsIt() throws {
        let experiment = Self.experiment()
        let assigner = try ServingFixture.assigner(experiment, snapshot: .initial(experiment: experiment, experimentVersion: 4))
        let assignment = assigner.assign(ServingFixture.request(1), impressionID: ServingFixture.id(1), now: ServingFixture.now)
        let row = assignment.impression(arms: experiment.arms, isDeferred: false, at: ServingFixture.now)
        #expect(row.context["recency"] == .number(0))
        #expect(row.context[TimeFeatures.hour] == .number(12))
        #expect(row.context[TimeFeatures.weekday] == .number(6.5))
        #expect(row.context[TimeFeatures.isWeekend] == .boolean(true))
        guard case .number(let season) = row.context[TimeFeatures.season] else {
            Issue.record("no season")
            return
        }
        // 318.5 of 365.2425 days, less the drift of leap years since 1970, which stays below a day and a half.
        #expect(abs(season - 318.5 / 365.2425) < 1.5 / 365)
    }

    /// Learned to prefer one arm by night and another by day, an arm's probability follows the clock; the row is recomputed to the bit,
    /// also later, because what was chosen on stands in it.
    @Test func choiceFollowsTheClockAndIsRecomputedFromTheRow() throws {
        let experiment = Self.experiment()
        var generator = SeededGenerator(seed: 8)
        let midnight = Timestamp("2026-11-16T00:00:00Z")!
        let rows = (0..<600).map { number in
            let time = midnight + 3600 * 24 * 30 * generator.uniform()
            var context: Context = ["recency": .number(generator.normal())]
            TimeFeatures.add(to: &context, at: time, for: experiment.context)
            let arm = number % 3
            guard case .number(let hour) = context[TimeFeatures.hour] else { preconditionFailure("every context has an hour") }
            let isNight = hour < 6 || hour >= 18
            return Interaction(
                time: time, context: context, arm: arm, propensity: nil,
                reward: (arm == 0) == isNight ? 1 + 0.3 * generator.normal() : 0.3 * generator.normal())
        }
        let snapshot = try PolicyLearner.refit(experiment, experimentVersion: 4, interactions: rows).snapshot(version: 7)
        let assigner = try ServingFixture.assigner(experiment, snapshot: snapshot)
        let recomputation = try Recomputation(experiment: experiment, version: 4, snapshot: snapshot)
        var shares: [Double] = []
        for hour in [0.5, 12.5] {
            let now = midnight + 3600 * hour
            let assignment = assigner.assign(ServingFixture.request(1), impressionID: ServingFixture.id(1), now: now)
            shares.append(assignment.distribution[0])
            let row = assignment.impression(arms: experiment.arms, isDeferred: false, at: now)
            #expect(recomputation.check(row).match == .bits)
        }
        #expect(shares[0] > 0.8 && shares[1] < 0.2, "\(shares)")
    }

    @Test func whatTheRequestSaysStandsAndWithoutTheFeaturesNothingIsAdded() throws {
        let experiment = Self.experiment()
        var request = ServingFixture.request(1)
        request.context[TimeFeatures.hour] = .number(3)
        let with = try ServingFixture.assigner(experiment, snapshot: nil)
            .assign(request, impressionID: ServingFixture.id(1), now: ServingFixture.now)
        #expect(with.context[TimeFeatures.hour] == .number(3) && with.context.values.count == 5)
        let without = try ServingFixture.assigner(ServingFixture.experiment(), snapshot: nil)
            .assign(ServingFixture.request(1), impressionID: ServingFixture.id(1), now: ServingFixture.now)
        #expect(without.context == ServingFixture.request(1).context)
    }
}
