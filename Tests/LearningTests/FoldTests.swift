import Catalog
import EventLog
import HaggleCore
import HaggleMath
import Learning
import Policies
import Testing

struct FoldTests {
    @Test func impressionsWaitForTheirWindow() async throws {
        try await LearningLog.with { log in
            try await log.show(1, at: 0, arm: "five")
            try await log.show(2, at: 0.5, arm: "ten")
            var learner = try await log.learner()
            #expect(try await log.step(&learner, at: 0.99).folded == 0)
            #expect(learner.posterior.counts == [0, 0, 0])
            // The window is [occurred, occurred + 1 h): at its end it has closed.
            #expect(try await log.step(&learner, at: 1).folded == 1)
            #expect(learner.posterior.counts == [0, 1, 0])
            // Nothing followed: the default reward.
            #expect(learner.posterior.rewards == [0, -0.5, 0])
            #expect(try await log.step(&learner, at: 1.2).folded == 0)
            #expect(try await log.step(&learner, at: 1.5).folded == 1)
            #expect(learner.posterior.counts == [0, 1, 1])
            try await log.expectRebuildEqualsState(at: 1.5)
        }
    }

    @Test func lateConversionsAndRefundsCorrectTheState() async throws {
        try await LearningLog.with { log in
            try await log.show(0..<60, at: { Double($0) / 100 })
            for number in stride(from: 0, to: 60, by: 4) {
                try await log.convert(
                    ConversionID("early-\(number)"), .impression(log.impression(UInt64(number), at: Double(number) / 100).id), at: 0.7,
                    value: Double(number))
            }
            var learner = try await log.learner()
            var step = try await log.step(&learner, at: 3)
            #expect(step.folded == 60 && step.corrected == 0)
            try await log.expectRebuildEqualsState(at: 3)
            let before = learner.posterior.rewards
            // Occurred inside the window, arrived long after the booking.
            try await log.convert("late", .impression(log.impression(1, at: 0.01).id), at: 0.9, value: 25)
            try await log.convert("second", .impression(log.impression(4, at: 0.04).id), at: 0.9, value: 7)
            // A refund counts however late it is.
            try await log.convert("refund", .impression(log.impression(8, at: 0.08).id), at: 2.9, value: -8)
            // A purchase after the window does not.
            try await log.convert("outside", .impression(log.impression(2, at: 0.02).id), at: 1.03, value: 1000)
            step = try await log.step(&learner, at: 4)
            #expect(step.folded == 0 && step.corrected == 3)
            // Arms go by number % 3: 1 and 4 are "five", 8 is "ten". Number 1 had the default; 8's purchase of 8 is given back whole.
            let after = learner.posterior.rewards
            #expect(abs(after[0] - before[0]) < 1e-9)
            #expect(abs(after[1] - before[1] - (25 + 0.5) - 7) < 1e-9)
            #expect(abs(after[2] - before[2] + 8) < 1e-9)
            #expect(learner.posterior.counts == [20, 20, 20])
            try await log.expectRebuildEqualsState(at: 4)
            // Again changes nothing.
            step = try await log.step(&learner, at: 5)
            #expect(step.folded == 0 && step.corrected == 0)
        }
    }

    @Test func onlyWhatCountsIsFolded() async throws {
        try await LearningLog.with { log in
            try await log.show(1, reason: .holdout)
            try await log.show(2, reason: .notInTraffic)
            try await log.show(3, reason: .fallback)
            try await log.show(4, arm: "five", requestID: "request")
            try await log.show(5, arm: "ten", requestID: "request")
            try await log.show(6, unit: "sticky", arm: "five", stickySalt: "salt")
            try await log.show(7, at: 0.1, unit: "sticky", arm: "ten", stickySalt: "salt")
            let seen = try await log.show(8, at: 0.2, arm: "none", deferred: true)
            try await log.show(9, at: 0.2, arm: "none", deferred: true)
            // Names the repetition; belongs to the row that was drawn.
            try await log.convert("sticky", .impression(log.impression(7, at: 0.1, unit: "sticky").id), at: 0.3, value: 3)
            var learner = try await log.learner()
            #expect(try await log.step(&learner, at: 5).folded == 2)
            #expect(learner.posterior.counts == [0, 2, 0])
            #expect(abs(learner.posterior.rewards[1] - (3 - 0.5)) < 1e-12)
            // Shown after all, although its window closed long ago.
            #expect(try await log.sink.activate(seen.id, at: LearningLog.start + 0.25 * LearningLog.hour))
            #expect(try await log.step(&learner, at: 5).folded == 1)
            #expect(learner.posterior.counts == [1, 2, 0])
            #expect(try await log.countedImpressions() == 3)
            try await log.expectRebuildEqualsState(at: 5)
        }
    }

    @Test func conversionByUnitGoesToTheLatestImpression() async throws {
        try await LearningLog.with { log in
            try await log.show(1, at: 0, unit: "ann", arm: "five")
            try await log.show(2, at: 0.4, unit: "ann", arm: "ten")
            try await log.convert("purchase", .unit("ann", "checkout"), at: 0.8, value: 9)
            var learner = try await log.learner()
            #expect(try await log.step(&learner, at: 3).folded == 2)
            #expect(learner.posterior.rewards == [0, -0.5, 9])
            // A row that arrives late takes the conversion over.
            try await log.show(3, at: 0.6, unit: "ann", arm: "none")
            let step = try await log.step(&learner, at: 3)
            #expect(step.folded == 1 && step.corrected == 1)
            #expect(learner.posterior.rewards == [9, -0.5, -0.5])
            try await log.expectRebuildEqualsState(at: 3)
        }
    }

    @Test func impressionActivatedLateTakesTheConversionOver() async throws {
        try await LearningLog.with { log in
            try await log.show(1, at: 0, unit: "ann", arm: "five")
            let hidden = try await log.show(2, at: 0.4, unit: "ann", arm: "ten", deferred: true)
            try await log.convert("purchase", .unit("ann", "checkout"), at: 0.8, value: 9)
            var learner = try await log.learner()
            #expect(try await log.step(&learner, at: 3).folded == 1)
            #expect(learner.posterior.rewards == [0, 9, 0])
            #expect(try await log.sink.activate(hidden.id, at: LearningLog.start + 0.5 * LearningLog.hour))
            let step = try await log.step(&learner, at: 3)
            #expect(step.folded == 1 && step.corrected == 1)
            #expect(learner.posterior.rewards == [0, -0.5, 9])
            try await log.expectRebuildEqualsState(at: 3)
        }
    }

    @Test func conversionThatPrecedesItsImpressionIsFound() async throws {
        try await LearningLog.with { log in
            try await log.convert("early", .impression(log.impression(1, at: 0, arm: "five").id), at: 0.2, value: 4)
            var learner = try await log.learner()
            #expect(try await log.step(&learner, at: 0.3).folded == 0)
            try await log.show(1, at: 0, arm: "five")
            #expect(try await log.step(&learner, at: 2).folded == 1)
            #expect(learner.posterior.rewards == [0, 4, 0])
            try await log.expectRebuildEqualsState(at: 2)
        }
    }
}
