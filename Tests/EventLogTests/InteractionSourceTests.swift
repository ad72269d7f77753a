import EventLog
import HaggleCore
import Postgres
import Tabular
import TestSupport
import Testing

@Suite struct PostgresInteractionSourceTests {
    @Test func interactionsAreWholeAndFiltered() async throws {
        try await TestLog.with { log in
            for number in 1...5 as ClosedRange<UInt64> {
                try await log.sink.append(log.impression(number, at: Double(number) * TestLog.day))
            }
            try await log.sink.append(log.impression(6, at: 6 * TestLog.day, reason: .holdout))
            try await log.sink.append(log.impression(7, at: 6 * TestLog.day, reason: .paused))
            let asOf = TestLog.start + 10 * TestLog.day
            let all = try await PostgresInteractionSource.open(pool: log.pool, experiment: log.experiment, asOf: asOf)
            let rows = try await collect(all)
            #expect(rows.map(\.unit) == (1...5).map { UnitID("unit-\($0)") })
            #expect(all.excluded == ["HOLDOUT": 1, "PAUSED": 1])
            let first = try #require(rows.first)
            #expect(first.context == ["recency": 12, "channel": "web"])
            #expect(first.arm == 1)
            #expect(first.propensity == 0.3)
            #expect(first.propensities == [0.2, 0.3, 0.5])
            #expect(first.eligible == nil)
            #expect(first.snapshot == 3)
            #expect(first.time == TestLog.start + TestLog.day)
            // The third matures exactly now.
            #expect(rows.map { $0.maturedAt == nil } == [false, false, false, true, true])
            let matured = try await PostgresInteractionSource.open(
                pool: log.pool, experiment: log.experiment, filter: .init(onlyMatured: true), asOf: asOf)
            #expect(try await collect(matured) == Array(rows[..<3]))
            #expect(matured.excluded["NOT_MATURED"] == 2)
            let span = PostgresInteractionSource.Filter(since: TestLog.start + 2 * TestLog.day, until: TestLog.start + 4 * TestLog.day)
            let some = try await PostgresInteractionSource.open(pool: log.pool, experiment: log.experiment, filter: span, asOf: asOf)
            #expect(try await collect(some) == Array(rows[1..<3]))
            #expect(some.excluded.isEmpty)
            // What comes later is not in a source that is open.
            try await log.sink.append(log.impression(8, at: 9 * TestLog.day))
            #expect(try await collect(all) == rows)
        }
    }

    @Test func armsOfEarlierVersionsKeepAPlace() async throws {
        try await TestLog.with { log in
            try await log.sink.append(log.impression(1, arm: "ten"))
            var unknown = log.impression(2)
            unknown.arm = "never"
            unknown.eligibleArms = ["none", "never"]
            unknown.propensities = [0.5, 0.5]
            try await log.sink.append(unknown)
            var changed = log.experiment
            changed.arms = [Arm(key: "fifteen", discount: 0.15), Arm(key: "five", discount: 0.05), Arm(key: "none", isControl: true)]
            try await log.register(changed, version: 2)
            let source = try await PostgresInteractionSource.open(pool: log.pool, experiment: changed, asOf: TestLog.start)
            #expect(source.arms.map(\.key) == ["fifteen", "five", "none", "ten"])
            #expect(source.arms.last?.discount == 0.1)
            let rows = try await collect(source)
            #expect(rows.map(\.arm) == [3])
            // Of the arms of today, `fifteen` could not be chosen then.
            #expect(rows.first?.eligible == [1, 2, 3])
            #expect(rows.first?.propensities == [0, 0.3, 0.2, 0.5])
            #expect(source.excluded == ["REMOVED_ARM": 1])
        }
    }

    @Test func onlyWantedFeaturesAreKept() async throws {
        try await TestLog.with { log in
            try await log.sink.append(log.impression(1, context: ["recency": 1.5, "channel": "w\"eb", "vip": true, "naïve": "é"]))
            func contexts(_ features: [String]?) async throws -> [Context] {
                let source = try await PostgresInteractionSource.open(
                    pool: log.pool, experiment: log.experiment, asOf: TestLog.start, features: features)
                return try await collect(source).map(\.context)
            }
            #expect(try await contexts(nil) == [["recency": 1.5, "channel": "w\"eb", "vip": true, "naïve": "é"]])
            #expect(try await contexts(["naïve", "recency", "unheard of"]) == [["recency": 1.5, "naïve": "é"]])
            #expect(try await contexts([]) == [[:]])
        }
    }

    @Test func arraysAndNullsArriveAsTheyWereWritten() async throws {
        try await TestLog.with { log in
            var bare = log.impression(1)
            bare.unit = nil
            bare.propensities = nil
            bare.propensity = nil
            bare.snapshot = nil
            bare.eligibleArms = ["ten", "five"]
            try await log.sink.append(bare)
            var few = log.impression(2, at: 1)
            few.eligibleArms = ["ten", "five"]
            few.propensities = [0.75, 0.25]
            few.propensity = 0.25
            try await log.sink.append(few)
            let rows = try await collect(
                try await PostgresInteractionSource.open(pool: log.pool, experiment: log.experiment, asOf: TestLog.start))
            #expect(rows[0].unit == nil && rows[0].propensities == nil && rows[0].propensity == nil && rows[0].snapshot == nil)
            #expect(rows.map(\.eligible) == [[1, 2], [1, 2]])
            #expect(rows[1].propensities == [0, 0.25, 0.75])
        }
    }

    /// A quote in the key of an experiment stands in the text of the COPY, which takes no parameters.
    @Test func anyKeyOfAnExperimentIsQuoted() async throws {
        try await TestLog.with(TestLog.experiment("it's \\ a \"key\"")) { log in
            try await log.sink.append(log.impression(1))
            let source = try await PostgresInteractionSource.open(pool: log.pool, experiment: log.experiment, asOf: TestLog.start)
            #expect(try await collect(source).count == 1)
        }
    }

    /// A pass that is given up costs its connection, which the pool replaces.
    @Test func aPassMayBeGivenUp() async throws {
        try await TestLog.with { log in
            for number in 1...5 as ClosedRange<UInt64> { try await log.sink.append(log.impression(number)) }
            let source = try await PostgresInteractionSource.open(pool: log.pool, experiment: log.experiment, asOf: TestLog.start)
            for _ in 0..<20 {
                for try await _ in source.interactions() { break }
            }
            #expect(try await collect(source).count == 5)
        }
    }

    @Test func anEmptyLogHasNoInteractions() async throws {
        try await TestLog.with { log in
            let source = try await PostgresInteractionSource.open(pool: log.pool, experiment: log.experiment, asOf: TestLog.start)
            #expect(try await collect(source).isEmpty)
            #expect(try await log.reader.highWater() == 0)
        }
    }
}

@Suite struct FileInteractionSourceTests {
    @Test func theThreeColumnsAreEnough() async throws {
        try await withFile("reward,arm,propensity\n1,a10,0.5\n0.25,a2,1\r\n-3,a10,0.125\n") { path in
            let source = try CSVInteractionSource(path: path)
            #expect(source.arms.map(\.key) == ["a2", "a10"])
            #expect(source.rowCount == 3)
            let rows = try await collect(source)
            #expect(rows.map(\.arm) == [1, 0, 1])
            #expect(rows.map(\.reward) == [1, 0.25, -3])
            #expect(rows.map(\.propensity) == [0.5, 1, 0.125])
            #expect(try await collect(source) == rows)
        }
    }

    @Test func namedColumnsAreRead() async throws {
        let text = """
            who,when,arm,p,reward,ok,age,vip,city
            u1,2026-11-01T00:00:00Z,a,0.5,1,a|b,30,true,Bonn
            u2,1793491200,b,0.5,0,,,false,7
            """
        try await withFile(text) { path in
            let source = try CSVInteractionSource(
                path: path,
                columns: .init(propensity: "p", unit: "who", time: "when", eligible: "ok", context: ["age", "vip", "city"]),
                arms: [Arm(key: "c"), Arm(key: "b"), Arm(key: "a")])
            let rows = try await collect(source)
            #expect(rows.map(\.unit) == ["u1", "u2"])
            #expect(rows.map(\.time) == [TestLog.start, TestLog.start])
            #expect(rows.map(\.eligible) == [[1, 2], nil])
            #expect(rows[0].context == ["age": 30, "vip": true, "city": "Bonn"])
            // One column has one type: a city that looks like a number is text beside one that does not.
            #expect(rows[1].context == ["vip": false, "city": "7"])
        }
    }

    @Test func everyBadRowIsNamedWhenTheFileIsOpened() async throws {
        let cases: [(text: String, message: String)] = [
            ("arm,reward\na,1\n", ":1: expected a column `propensity`, found `arm`, `reward`"),
            ("arm,propensity,reward\na,0.5,1\na,0,1\n", ":3: column propensity: expected a propensity above 0 and at most 1, found 0.0"),
            ("arm,propensity,reward\na,1.5,1\n", ":2: column propensity: expected a propensity above 0 and at most 1, found 1.5"),
            ("arm,propensity,reward\na,0.5,nan\n", ":2: column reward: expected a number, found `nan`"),
            ("arm,propensity,reward\na,,1\n", ":2: column propensity: expected a number, found ``"),
            ("arm,propensity,reward\na,0.5\n", ":2: expected 3 columns as in the header, found 2"),
            ("", ": expected a header line, found an empty file"),
        ]
        for (text, message) in cases {
            try await withFile(text) { path in
                do {
                    _ = try CSVInteractionSource(path: path)
                    Issue.record("read \(text)")
                } catch { #expect("\(error)".hasPrefix(path + message), "\(error)") }
            }
        }
        try await withFile("arm,propensity,reward\nz,0.5,1\n") { path in
            #expect(throws: EventLogError.unknownArm(FilePlace(file: path, line: 2, column: "arm"), found: "z", known: ["a"])) {
                try CSVInteractionSource(path: path, arms: [Arm(key: "a")])
            }
        }
        try await withFile("arm,propensity,reward,ok\na,0.5,1,b|c\n") { path in
            #expect(throws: EventLogError.armNotEligible(FilePlace(file: path, line: 2, column: "ok"), arm: "a")) {
                try CSVInteractionSource(path: path, columns: .init(eligible: "ok"))
            }
        }
    }

    @Test func aHeaderWithoutRowsIsAnEmptyLog() async throws {
        try await withFile("arm,propensity,reward\n") { path in
            let source = try CSVInteractionSource(path: path)
            #expect(source.arms.isEmpty)
            #expect(try await collect(source).isEmpty)
        }
    }

    @Test func ndjsonRowsBecomeInteractions() async throws {
        let text = """
            {"arm": "b", "reason": "POLICY", "unit": "u", "time": "2026-11-01T00:00:00Z", "context": {"x": 1, "y": null}, \
            "eligible_arms": ["a", "b"], "propensities": [0.25, 0.75], "reward": 2, "snapshot": 4, "conversions": []}
            {"arm": "a", "reason": "HOLDOUT", "reward": 0}
            {"arm": "a", "eligible_arms": ["a", "b"], "propensities": [0.5, null], "reward": 0.5}
            """
        try await withFile(text, name: "log.ndjson") { path in
            let source = try NDJSONInteractionSource(path: path)
            #expect(source.excluded == ["HOLDOUT": 1])
            let rows = try await collect(source)
            #expect(rows.count == 2)
            #expect(
                rows[0]
                    == Interaction(
                        unit: "u", time: TestLog.start, context: ["x": 1], arm: 1, propensity: 0.75, propensities: [0.25, 0.75], reward: 2,
                        snapshot: 4))
            #expect(rows[1] == Interaction(arm: 0, propensity: 0.5, reward: 0.5))
        }
    }
}
