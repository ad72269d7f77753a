import HaggleCore
import Testing

@testable import Training

@Suite struct FoldPlanTests {
    @Test func everyRowIsHeldOutOnceAndUnitsStayTogether() throws {
        let rows = TrainingWorld.log(count: 600, perUnit: 3)
        let plan = try FoldPlan(rows, count: 5, split: .unit, seed: 7)
        #expect(plan.folds.flatMap(\.validation).sorted() == Array(rows.indices))
        for fold in plan.folds {
            #expect(Set(fold.training).isDisjoint(with: fold.validation) && fold.training.count + fold.validation.count == rows.count)
            let held = Set(fold.validation.map { rows[$0].unit })
            #expect(held.isDisjoint(with: fold.training.map { rows[$0].unit }))
            // 200 units in five folds: 40 +- 5.7 units of three rows.
            #expect((60...180).contains(fold.validation.count))
        }
    }

    @Test func theFoldOfAUnitDependsOnTheSeedAndOnNothingElse() throws {
        let rows = TrainingWorld.log(count: 300)
        let plan = try FoldPlan(rows, count: 5, split: .unit, seed: 7)
        #expect(plan == (try FoldPlan(rows, count: 5, split: .unit, seed: 7)))
        #expect(plan != (try FoldPlan(rows, count: 5, split: .unit, seed: 8)))
        let reversed = try FoldPlan(rows.reversed(), count: 5, split: .unit, seed: 7)
        for (one, other) in zip(plan.folds, reversed.folds) {
            #expect(Set(one.validation.map { rows[$0].unit }) == Set(other.validation.map { rows[rows.count - 1 - $0].unit }))
        }
    }

    @Test func rowsWithoutAUnitAreDealtOneByOne() throws {
        var rows = TrainingWorld.log(count: 400)
        for index in rows.indices { rows[index].unit = nil }
        let plan = try FoldPlan(rows, count: 4, split: .unit, seed: 1)
        for fold in plan.folds { #expect((60...140).contains(fold.validation.count)) }
    }

    @Test func timeNeverRunsBackwards() throws {
        let rows = TrainingWorld.log(count: 600).reversed() as [Interaction]
        let plan = try FoldPlan(rows, count: 5, split: .time, seed: 1)
        #expect(plan.folds.count == 5)
        for (index, fold) in plan.folds.enumerated() {
            #expect(fold.validation.count == 100 && fold.training.count == 100 * (index + 1) && fold.unripeCount == 0)
            let newest = try #require(fold.training.compactMap { rows[$0].time }.max())
            let oldest = try #require(fold.validation.compactMap { rows[$0].time }.min())
            #expect(newest < oldest)
        }
    }

    @Test func rowsOfOneMomentAreNotTornApart() throws {
        var rows = TrainingWorld.log(count: 300)
        for index in rows.indices { rows[index].time = Timestamp(seconds: Double(index / 40)) }
        for fold in try FoldPlan(rows, count: 3, split: .time, seed: 1).folds {
            #expect(Set(fold.training.map { rows[$0].time }).isDisjoint(with: fold.validation.map { rows[$0].time }))
        }
    }

    /// Rewards known 60 s later: a row of the last minute before a fold says nothing that was known then.
    @Test func rewardsOfTheFutureDoNotTrain() throws {
        var rows = TrainingWorld.log(count: 600)
        for index in rows.indices { rows[index].maturedAt = rows[index].time.map { $0 + 60 } }
        let plan = try FoldPlan(rows, count: 5, split: .time, seed: 1)
        #expect(plan.folds.map(\.unripeCount) == [59, 59, 59, 59, 59])
        #expect(plan.folds[0].training == Array(0...40))
    }

    @Test func tooFewRowsAreRefusedWithAWayOut() {
        let rows = TrainingWorld.log(count: 49)
        #expect(throws: TrainingError.tooFewRows(count: 49, folds: 5, needed: 50)) {
            try FoldPlan(rows, count: 5, split: .unit, seed: 1)
        }
        #expect(throws: TrainingError.tooFewRows(count: 49, folds: 4, needed: 50)) {
            try FoldPlan(rows, count: 4, split: .time, seed: 1)
        }
        #expect(throws: TrainingError.foldCount(1)) { try FoldPlan(rows, count: 1, split: .unit, seed: 1) }
        #expect(TrainingError.tooFewRows(count: 49, folds: 5, needed: 50).description.contains("--folds 3"))
    }

    @Test func aLogOfTwoUnitsCannotBeCutIntoFive() throws {
        let rows = TrainingWorld.log(count: 100, perUnit: 50)
        let error = #expect(throws: TrainingError.self) { try FoldPlan(rows, count: 5, split: .unit, seed: 1) }
        #expect(error?.description.contains("2 units") == true)
    }

    @Test func someTimesAreNotEnough() {
        var rows = TrainingWorld.log(count: 100)
        rows[3].time = nil
        #expect(throws: TrainingError.timesMissing(count: 1, of: 100)) { try FoldPlan(rows, count: 2, split: .time, seed: 1) }
    }
}
