import EventLog
import HaggleCore
import Tabular
import TestSupport
import Testing

/// Logs in Vowpal Wabbit's dsjson. The lines are ours, in the shapes that the format's writers give them.
@Suite struct DSJSONTests {
    private static let multi = #""_multi":[{"_tag":"none","i":{"constant":1,"id":"x"}},{"_tag":"five"},{"_tag":"ten"}]"#

    private func line(
        cost: String = "-2.5", action: Int = 2, a: String = "[2,1,3]", p: String = "[0.5,0.3,0.2]", extra: String = "",
        c: String = #""user":{"age":30}"#, id: String = "e1"
    ) -> String {
        """
        {"_label_cost":\(cost),"_label_probability":0.5,"_label_Action":\(action),"_labelIndex":\(action - 1),"o":[{"v":2.5,"EventId":"o"}],\
        "Timestamp":"2026-11-01T00:00:00.5000000Z","Version":"1","EventId":"\(id)","a":\(a),"c":{\(c),\(Self.multi)},"p":\(p),\
        "VWState":{"m":"model"},"_original_label_cost":-2.5\(extra)}
        """
    }

    private func read(_ lines: [String], arms: [Arm]? = nil) async throws -> (DSJSONInteractionSource, [Interaction]) {
        try await withFile(lines.joined(separator: "\n") + "\n", name: "log.dsjson") { path in
            let source = try DSJSONInteractionSource(path: path, arms: arms)
            return (source, try await collect(source))
        }
    }

    @Test func aDecisionBecomesAnInteraction() async throws {
        let (source, rows) = try await read([line()])
        #expect(source.arms.map(\.key) == ["five", "none", "ten"])
        #expect(
            rows == [
                Interaction(
                    time: TestLog.start + 0.5, context: ["user.age": 30], arm: 0, propensity: 0.5, propensities: [0.5, 0.3, 0.2],
                    reward: 2.5)
            ])
    }

    @Test(arguments: [("0", 0.0), ("0.0", 0), ("-0.0", 0), ("1", -1), ("-7.25", 7.25)])
    func theRewardIsMinusTheCost(cost: String, reward: Double) async throws {
        let (_, rows) = try await read([line(cost: cost)])
        #expect(rows[0].reward == reward)
        #expect(rows[0].reward.sign == (reward < 0 ? .minus : .plus))
    }

    @Test func probabilitiesFollowTheOrderOfTheRanking() async throws {
        let (_, rows) = try await read([line(action: 3, a: "[3,2,1]")], arms: [Arm(key: "none"), Arm(key: "five"), Arm(key: "ten")])
        #expect(rows[0].arm == 2)
        #expect(rows[0].propensities == [0.2, 0.3, 0.5])
    }

    @Test func whatWasNotActivatedOrIsSkippedDoesNotCount() async throws {
        let (source, rows) = try await read([
            line(id: "plain"),
            line(extra: #","DeferredAction":true"#, id: "never shown, although a reward came"),
            line(extra: #","DeferredAction":true,"o":[{"EventId":"x","ActionTaken":true}]"#, id: "shown"),
            line(extra: #","DeferredAction":true,"o":[{"EventId":"x","DeferredAction":false}]"#, id: "shown, as older logs say it"),
            line(extra: #","_deferred":true,"DeferredAction":true"#, id: "never shown, as older logs say it"),
            line(extra: #","_skipLearn":true"#, id: "skipped"),
            line(extra: #","_skipLearn":true,"DeferredAction":true"#, id: "neither"),
            #"{"RewardValue":1,"EventId":"nobody"}"#,
            #"{"ActionTaken":true,"EventId":"nobody"}"#,
        ])
        #expect(rows.count == 3)
        #expect(source.rowCount == 3)
        #expect(source.excluded == ["NOT_ACTIVATED": 3, "SKIPPED": 1, "DANGLING_REWARD": 1, "DANGLING_ACTIVATION": 1])
    }

    @Test func nestedFeaturesAreJoinedByPoints() async throws {
        let c = """
            "hour":7,"_ignored":1,"user":[{"age":30,"vip":true,"_id":9},{"city":"Bonn"}],"last":[1,"x"],"deep":{"er":{"est":0.5}},"gone":null,\
            "TAd":{"_text":"two words"}
            """
        let (_, rows) = try await read([line(c: c)])
        #expect(
            rows[0].context == [
                "hour": 7, "user.age": 30, "user.vip": true, "user.city": "Bonn", "last.0": 1, "last.1": "x", "deep.er.est": 0.5,
                "TAd._text": "two words",
            ])
    }

    @Test func actionsAreKnownByTagThenIdThenNumber() async throws {
        let event = """
            {"_label_cost":0,"_label_probability":0.25,"_label_Action":4,"_labelIndex":3,"a":[4,1,2,3],"p":[0.25,0.25,0.25,0.25],\
            "c":{"_multi":[{"_tag":"tagged","id":"x"},{"id":"named"},{"i":{"constant":1,"id":7}},{"j":[{"size":1}]}]}}
            """
        let (source, rows) = try await read([event])
        #expect(source.arms.map(\.key) == ["4", "7", "named", "tagged"])
        #expect(rows[0].arm == 0)
    }

    @Test func onlyTheChosenProbabilityIsEnough() async throws {
        let event = #"{"_label_cost":0,"_label_probability":0.25,"_labelIndex":1,"c":{"_multi":[{"id":"a"},{"id":"b"}]}}"#
        let (_, rows) = try await read([event])
        #expect(rows == [Interaction(arm: 1, propensity: 0.25, reward: 0)])
    }

    @Test func armsThatWereNotOfferedAreNotEligible() async throws {
        let few = #"{"_label_cost":0,"_label_Action":1,"a":[1,2],"p":[0.75,0.25],"c":{"_multi":[{"id":"c"},{"id":"a"}]}}"#
        let other = #"{"_label_cost":0,"_label_Action":1,"a":[1],"p":[1],"c":{"_multi":[{"id":"b"}]}}"#
        let (_, rows) = try await read([few, other])
        #expect(rows.map(\.eligible) == [[0, 2], [1]])
        #expect(rows.map(\.propensities) == [[0.25, 0, 0.75], [0, 1, 0]])
    }

    /// The factor by which one writer multiplies the chosen probability is not counted twice.
    @Test func aProbabilityTimesTheRateOfKeepingIsUnderstood() async throws {
        let (_, rows) = try await read([line().replacing("\"_label_probability\":0.5", with: "\"pdrop\":0.5,\"_label_probability\":0.25")])
        #expect(rows[0].propensity == 0.5)
    }

    @Test func oneRateOfDownsamplingLosesNothing() async throws {
        let (source, rows) = try await read((0..<50).map { line(extra: #","pdrop":0.9"#, id: "e\($0)") })
        #expect(rows.count == 50)
        #expect(source.excluded.isEmpty)
    }

    /// 4000 events kept with probability 1 are thinned to the 0.25 of the others: 1000 are expected, with a standard deviation of 27.
    @Test func differentRatesAreThinnedToTheLowest() async throws {
        let always = (0..<4000).map { line(cost: "-1", id: "always-\($0)") }
        let seldom = (0..<100).map { line(cost: "-2", extra: #","pdrop":0.75"#, id: "seldom-\($0)") }
        let (source, rows) = try await read(always + seldom)
        let kept = rows.filter { $0.reward == 1 }.count
        #expect(abs(kept - 1000) < 5 * 27)
        #expect(rows.filter { $0.reward == 2 }.count == 100)
        #expect(source.excluded == ["DOWNSAMPLED": 4000 - kept])
        #expect(source.rowCount == rows.count)
    }

    @Test func whatDoesNotFitIsSaidWithItsPlace() async throws {
        let cases: [(String, String)] = [
            (line(action: 4), "_label_Action: expected one of the 3 actions of `c._multi`, found number 4, counted from 1"),
            (line(a: "[1,2,3]"), "a: expected action 2, counted from 1, as `_label_Action` says, found 1"),
            (line(a: "[2,2,3]"), "a: expected different numbers from 1 to 3, found 2"),
            (line(p: "[0.5,0.5]"), "p: expected one probability for each entry of `a`, found 2 for 3"),
            (line(p: "[0.5,0.5,0.5]"), "p: expected probabilities that sum to 1, found a sum of 1.5"),
            (line(p: "[0.6,0.3,0.1]"), "_label_probability: expected 0.6 as in `p`, found 0.5"),
            (line(extra: #","pdrop":1"#), "pdrop: expected a probability of at least 0 and below 1, found 1.0"),
            (line(c: #""_slots":[]"#), "c._slots: expected one choice of one arm, found several slots (a conditional or slate bandit)"),
            (
                line(extra: #","_outcomes":[]"#),
                "_outcomes: expected one choice of one arm, found several slots (a conditional or slate bandit)"
            ),
            (line(c: #""x":1,"x":2"#), "c.x: expected each feature once, found it twice"),
            (
                line().replacing("\"_label_cost\":-2.5,", with: ""),
                "_label_cost: expected the cost of the chosen action (minus its reward), found no such field"
            ),
            (line().replacing("\"Version\":\"1\"", with: "\"Version\":\"2\""), "Version: expected 1, found 2"),
            (
                line().replacing("2026-11-01T00:00:00.5000000Z", with: "yesterday"),
                "Timestamp: expected a time such as 2026-11-01T00:00:00.000Z, found yesterday"
            ),
            (line().replacing("\"five\"", with: "\"ten\""), "c._multi: expected actions with different `_tag` or `id`, found one twice"),
            (#"{"EventId":"e"}"#, "c: expected the decision's context and actions, found no such field"),
            (#"{"_label_cost":0,"_label_Action":1,"c":{}}"#, "c._multi: expected at least one action, found none"),
        ]
        for (text, message) in cases {
            try await withFile(line() + "\n" + text + "\n", name: "log.dsjson") { path in
                do {
                    _ = try DSJSONInteractionSource(path: path)
                    Issue.record("read \(text)")
                } catch { #expect("\(error)" == "\(path):2: \(message)") }
            }
        }
        try await withFile(line() + "\n{\"_label_cost\":", name: "log.dsjson") { path in
            #expect(throws: TabularError.unfinishedLine(FilePlace(file: path, line: 2))) { _ = try DSJSONInteractionSource(path: path) }
        }
        try await withFile(line(), name: "log.dsjson") { path in
            #expect(throws: EventLogError.unknownArm(FilePlace(file: path, line: 1), found: "ten", known: ["none", "five"])) {
                _ = try DSJSONInteractionSource(path: path, arms: [Arm(key: "none"), Arm(key: "five")])
            }
        }
    }

    @Test func anImportBringsWhatCounts() async throws {
        try await TestLog.with { log in
            try await withFile([line(), line(cost: "0", extra: #","_skipLearn":true"#)].joined(separator: "\n"), name: "log.dsjson") {
                path in
                let importer = LogImporter(pool: log.pool, experiment: log.experiment, version: 1, receivedAt: TestLog.start)
                let report = try await importer.run(try DSJSONImport(path: path))
                #expect(report.rows == 1)
                #expect(report.excluded == ["SKIPPED": 1])
                let rows = try await collect(
                    try await PostgresInteractionSource.open(pool: log.pool, experiment: log.experiment, asOf: TestLog.start))
                #expect(rows.map(\.reward) == [2.5])
                #expect(rows[0].propensities == [0.3, 0.5, 0.2])
                #expect(try await importer.run(try DSJSONImport(path: path)).impressions == 0)
                let inferred = try await InferredExperiment.dsjson(path: path, key: "log")
                #expect(inferred.arms.map(\.key) == ["five", "none", "ten"])
                #expect(inferred.features.features.map(\.name) == ["user.age"])
            }
        }
    }

    @Test func anExportReadsBackAsTheSameInteractions() async throws {
        try await TestLog.with { log in
            try await log.sink.append(log.impression(1))
            try await log.sink.append(log.impression(2, at: 60, arm: "ten", context: ["a b": "c\"d", "vip": true]))
            try await log.sink.append(log.impression(3, at: 90, reason: .holdout))
            try await log.sink.append(log.conversion("c1", of: .impression(log.impression(1).id), at: 5, value: 12.5))
            var output = ""
            var rows = RowOutput { output += String(decoding: $0, as: UTF8.self) }
            let count = try await LogExporter(pool: log.pool, experiment: log.experiment, asOf: TestLog.start)
                .export(as: .dsjson, to: &rows)
            #expect(count == 3)
            let expected = try await collect(
                try await PostgresInteractionSource.open(pool: log.pool, experiment: log.experiment, asOf: TestLog.start))
            let (source, found) = try await read(output.split(separator: "\n").map(String.init), arms: log.experiment.arms)
            #expect(source.excluded == ["SKIPPED": 1])
            // The format has neither units nor snapshots.
            #expect(
                found
                    == expected.map {
                        var row = $0
                        row.unit = nil
                        row.snapshot = nil
                        row.maturedAt = nil
                        return row
                    })
            #expect(output.contains(#""_label_cost":-12.5,"_label_probability":0.3,"_label_Action":2,"_labelIndex":1"#))
            #expect(output.contains(#"{"_tag":"five","i":{"id":"five","discount":0.05}}"#))
        }
    }
}
