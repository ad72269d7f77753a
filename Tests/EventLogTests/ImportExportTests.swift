import EventLog
import HaggleCore
import HaggleMath
import Postgres
import Tabular
import TestSupport
import Testing

@Suite struct ImportTests {
    private static let campaign = """
        recency,history,channel,newbie,segment,visit,spend
        10,142.44,Phone,0,Womens E-Mail,0,0
        6,329.08,"Web, mobile",1,No E-Mail,1,29.99
        7,180.65,Web,0,Mens E-Mail,0,-5
        9,,Web,1,Mens E-Mail,1,0
        """

    private static func campaignExperiment(metric: RewardConfiguration.Metric = .value, defaultReward: Double = 0) -> Experiment {
        var experiment = TestLog.experiment("campaign", metric: metric, defaultReward: defaultReward)
        experiment.arms = [
            Arm(key: "No E-Mail", discount: 0, isControl: true), Arm(key: "Womens E-Mail", discount: 0.1),
            Arm(key: "Mens E-Mail", discount: 0.1),
        ]
        return experiment
    }

    private func importer(_ log: TestLog) -> LogImporter {
        LogImporter(pool: log.pool, experiment: log.experiment, version: 1, receivedAt: TestLog.start)
    }

    @Test(arguments: [(RewardConfiguration.Metric.value, 0.0), (.margin, 0), (.revenue, 1.5)])
    func rewardsComeBackAsTheyWere(metric: RewardConfiguration.Metric, defaultReward: Double) async throws {
        try await TestLog.with(Self.campaignExperiment(metric: metric, defaultReward: defaultReward)) { log in
            try await withFile(Self.campaign) { path in
                let map = try ColumnMap(parsing: "arm=segment, reward=spend, propensity=1/3")
                let source = try CSVImport(path: path, map: map, schema: log.experiment.context)
                #expect(source.missingFeatures.isEmpty)
                let report = try await importer(log).run(source)
                #expect(report.rows == 4)
                #expect(report.impressions == 4)
                #expect(report.conversions == (defaultReward == 0 ? 2 : 4))
                let rows = try await collect(
                    try await PostgresInteractionSource.open(pool: log.pool, experiment: log.experiment, asOf: TestLog.start))
                #expect(rows.map(\.reward) == [0, 29.99, -5, 0])
                #expect(rows.map(\.arm) == [1, 0, 2, 2])
                #expect(rows.map(\.propensity) == [Double?](repeating: 1.0 / 3, count: 4))
                #expect(rows.allSatisfy { $0.propensities == nil })
                #expect(rows[1].context == ["recency": 6, "channel": "Web, mobile"])
                // Without times the order of rows is time.
                #expect(rows.map(\.time) == (0..<4).map { LogImporter.timeOrigin + Double($0) })
            }
        }
    }

    @Test func anImportRepeatedChangesNothing() async throws {
        try await TestLog.with(Self.campaignExperiment()) { log in
            try await withFile(Self.campaign) { path in
                let source = try CSVImport(path: path, map: ColumnMap(arm: "segment", reward: "spend"), schema: log.experiment.context)
                let first = try await importer(log).run(source)
                #expect(first.withoutPropensity == 4)
                let position = try await log.reader.highWater()
                let second = try await importer(log).run(source)
                #expect(second.rows == 4)
                #expect(second.impressions == 0)
                #expect(second.conversions == 0)
                #expect(try await log.count("SELECT count(*) FROM impressions WHERE position > \(position)") == 0)
                // The same rows in another file are other rows.
                try await withFile(Self.campaign + "\n") { other in
                    let source = try CSVImport(path: other, map: ColumnMap(arm: "segment", reward: "spend"), schema: log.experiment.context)
                    #expect(try await importer(log).run(source).impressions == 4)
                }
            }
        }
    }

    /// One bad row at the end, behind many chunks of good ones.
    @Test func aBadRowLeavesNothingBehind() async throws {
        try await TestLog.with(Self.campaignExperiment()) { log in
            let good = String(repeating: "No E-Mail,0.5,1\n", count: 5000)
            let cases: [(String, String)] = [
                ("Letter,0.5,1\n", "5002: column arm: expected an arm of the experiment"),
                ("No E-Mail,0,1\n", "5002: column propensity: expected a propensity above 0"),
                ("No E-Mail,0.5,one\n", "5002: column reward: expected a number, found `one`"),
                ("No E-Mail,0.5\n", "5002: expected 3 columns as in the header, found 2"),
            ]
            for (bad, message) in cases {
                try await withFile("arm,propensity,reward\n" + good + bad) { path in
                    let source = try CSVImport(path: path, map: ColumnMap(propensity: "propensity"), schema: log.experiment.context)
                    do {
                        _ = try await importer(log).run(source)
                        Issue.record("imported \(bad)")
                    } catch { #expect("\(error)".hasPrefix(path + ":" + message), "\(error)") }
                }
            }
            #expect(try await log.count("SELECT count(*) FROM impressions") == 0)
        }
    }

    @Test func openBanditLogsAreUnderstood() async throws {
        let text = """
            timestamp,item_id,position,click,propensity_score,user_feature_0,user_feature_1
            2019-11-24 00:03:13.442536+00:00,14,3,0,0.0294117647058823,cef3390e,03a5648a
            2019-11-25 10:03:36.705207+00:00,9,1,1,0.5,cef3390e,81ce123c
            """
        try await withFile(text) { path in
            let inferred = try InferredExperiment.openBandit(path: path, key: "fashion")
            #expect(inferred.arms.map(\.key) == ["9", "14"])
            #expect(inferred.rowCount == 2)
            #expect(
                inferred.features.features == [
                    Feature(name: "position", kind: .category(values: ["1", "3"], missing: nil)),
                    Feature(name: "user_feature_0", kind: .category(values: ["cef3390e"], missing: nil)),
                    Feature(name: "user_feature_1", kind: .category(values: ["03a5648a", "81ce123c"], missing: nil)),
                ])
            var experiment = TestLog.experiment("fashion")
            experiment.arms = inferred.arms
            experiment.context = inferred.features
            try await TestLog.with(experiment) { log in
                let report = try await importer(log).run(try OpenBanditImport(path: path, schema: experiment.context))
                #expect(report.firstTime == Timestamp("2019-11-24T00:03:13.442536Z"))
                let rows = try await collect(
                    try await PostgresInteractionSource.open(pool: log.pool, experiment: experiment, asOf: TestLog.start))
                #expect(rows.map(\.arm) == [1, 0])
                #expect(rows.map(\.reward) == [0, 1])
                #expect(rows.map(\.propensity) == [0.0294117647058823, 0.5])
                #expect(rows[0].context == ["position": "3", "user_feature_0": "cef3390e", "user_feature_1": "03a5648a"])
                #expect(rows[0].maturedAt != nil)
            }
        }
        try await withFile("timestamp,item_id\n") { path in
            #expect(throws: TabularError.missingColumn(file: path, name: "position", found: ["timestamp", "item_id"])) {
                try OpenBanditImport(path: path, schema: FeatureSchema())
            }
        }
    }

    @Test func anExperimentIsInferredFromItsLog() async throws {
        try await withFile(Self.campaign) { path in
            let map = try ColumnMap(parsing: "arm=segment,reward=spend,propensity=0.333,ignore=visit")
            let inferred = try InferredExperiment.csv(path: path, map: map, key: "campaign")
            #expect(inferred.arms.map(\.key) == ["Mens E-Mail", "No E-Mail", "Womens E-Mail"])
            #expect(inferred.arms.map(\.isControl) == [false, true, false])
            #expect(inferred.metric == .value)
            #expect(inferred.features.features.map(\.name) == ["recency", "history", "channel", "newbie"])
            let number = Feature.Kind.number(missing: .median, clip: .none, transform: .identity, scale: .standard)
            #expect(
                inferred.features.features.map(\.kind)
                    == [number, number, .category(values: ["Phone", "Web", "Web, mobile"], missing: nil), number])
        }
    }

    @Test(arguments: [
        ("arm=segment", "--map: nothing says where `reward` comes from"), ("reward=spend,arm", "--map: expected FIELD=COLUMN entries"),
        ("arm=a,reward=b,colour=c", "--map: expected one of the fields"), ("arm=a,arm=b,reward=c", "--map: expected each field once"),
    ])
    func badMapsAreExplained(text: String, message: String) {
        do {
            _ = try ColumnMap(parsing: text)
            Issue.record("read \(text)")
        } catch { #expect("\(error)".hasPrefix(message), "\(error)") }
    }

    @Test func aMapThatDoesNotFitTheFileIsExplained() async throws {
        try await withFile(Self.campaign) { path in
            #expect(throws: TabularError.self) {
                try CSVImport(path: path, map: ColumnMap(reward: "spend", unit: "customer"), schema: FeatureSchema())
            }
            #expect(throws: EventLogError.self) { try CSVImport(path: path, map: ColumnMap(reward: "money"), schema: FeatureSchema()) }
            #expect(throws: EventLogError.self) {
                try CSVImport(path: path, map: ColumnMap(reward: "spend", propensity: "0"), schema: FeatureSchema())
            }
        }
    }
}

@Suite struct ExportTests {
    private func ndjson(_ log: TestLog) async throws -> String {
        var bytes: [UInt8] = []
        var output = RowOutput { bytes += $0 }
        try await LogExporter(pool: log.pool, experiment: log.experiment, asOf: TestLog.start + 8 * TestLog.day).export(
            as: .ndjson, to: &output)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A log with everything in it that an export can hold.
    private func fill(_ log: TestLog) async throws {
        let first = log.impression(1, unit: #"a "quoted", unit"#, context: ["x": 0.1, "text": "line\nbreak", "flag": false])
        var chosenOnly = log.impression(2, at: 1.5, arm: "ten")
        chosenOnly.propensities = nil
        var unknown = log.impression(3, at: 2)
        unknown.propensities = nil
        unknown.propensity = nil
        unknown.unit = nil
        unknown.snapshot = nil
        let holdout = log.impression(4, at: 3 * TestLog.day, unit: "h", reason: .holdout)
        for impression in [first, chosenOnly, unknown, holdout] {
            try await log.sink.append(impression, requestID: "r\(impression.id)", stickySalt: nil)
        }
        let duplicate = log.impression(5, at: 4)
        try await log.sink.append(duplicate, requestID: "r\(first.id)", stickySalt: nil)
        try await log.sink.append(log.impression(6, at: 5, deferred: true))
        try await log.sink.append([
            log.conversion("c1", of: .impression(duplicate.id), at: 60, value: 12.5, margin: 3),
            log.conversion("c2", of: .unit("h", "checkout"), at: 4 * TestLog.day),
            log.conversion("c3", of: .impression(first.id), at: 20 * TestLog.day, value: -2.5),
        ])
    }

    @Test func anExportImportedAndExportedAgainIsTheSame() async throws {
        let first = try await TestLog.with(TestLog.experiment(metric: .margin)) { log in
            try await fill(log)
            return try await ndjson(log)
        }
        let lines = first.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(
            lines[0] == """
                {"impression_id":"\(firstID())","time":"2026-11-01T00:00:00Z","unit":"a \\"quoted\\", unit","experiment_version":1,\
                "variant":"policy","reason":"POLICY","context":{"flag":false,"text":"line\\nbreak","x":0.1},\
                "eligible_arms":["none","five","ten"],"arm":"five","propensities":[0.2,0.3,0.5],"snapshot":3,"matured":true,"reward":\
                \(3 + -2.5 * ((0.35 - 0.05) / 0.95)),"conversions":[\
                {"conversion_id":"c1","kind":"purchase","value":12.5,"margin":3,"occurred_at":"2026-11-01T00:01:00Z"},\
                {"conversion_id":"c3","kind":"refund","value":-2.5,"occurred_at":"2026-11-21T00:00:00Z"}]}
                """)
        #expect(lines[1].contains(#""propensities":[null,null,0.5]"#))
        #expect(lines[2].contains(#""propensities":null"#))
        #expect(lines[3].contains(#""matured":false"#))
        let second = try await TestLog.with(TestLog.experiment(metric: .margin)) { log in
            try await withFile(first, name: "log.ndjson") { path in
                let importer = LogImporter(pool: log.pool, experiment: log.experiment, version: 1, receivedAt: TestLog.start)
                let report = try await importer.run(NDJSONImport(path: path))
                #expect(report.impressions == 4)
                #expect(report.conversions == 3)
                // Into the very log it came from as well.
                #expect(try await importer.run(NDJSONImport(path: path)).impressions == 0)
            }
            return try await ndjson(log)
        }
        #expect(second == first)
    }

    private func firstID() -> ImpressionID { ImpressionID(time: TestLog.start, random: (1, mix64(1))) }

    @Test func idsOfAnotherExperimentAreNotTakenOver() async throws {
        try await TestLog.with { log in
            try await fill(log)
            let text = try await ndjson(log)
            let copy = TestLog.experiment("copy")
            try await log.register(copy, version: 1)
            try await withFile(text, name: "log.ndjson") { path in
                let importer = LogImporter(pool: log.pool, experiment: copy, version: 1, receivedAt: TestLog.start)
                await #expect(throws: EventLogError.idsTaken(by: "checkout")) { try await importer.run(NDJSONImport(path: path)) }
            }
            #expect(try await log.count("SELECT count(*) FROM impressions WHERE experiment = 'copy'") == 0)
        }
    }

    @Test func theCSVHasTheSameFields() async throws {
        try await TestLog.with { log in
            try await fill(log)
            var bytes: [UInt8] = []
            var output = RowOutput { bytes += $0 }
            let exporter = LogExporter(pool: log.pool, experiment: log.experiment, asOf: TestLog.start)
            #expect(try await exporter.export(as: .csv, to: &output) == 4)
            var reader = try CSVReader(bytes: bytes)
            #expect(reader.columns == ExportedRow.fields)
            let row = try #require(try reader.next())
            #expect(row.string(at: 2) == #"a "quoted", unit"#)
            #expect(row.string(at: 6) == #"{"flag":false,"text":"line\nbreak","x":0.1}"#)
            #expect(row.string(at: 7) == #"["none","five","ten"]"#)
            #expect(row.double(at: 12) == 10)
            #expect(try await exporter.export(as: .csv, unit: "h", to: &output) == 1)
        }
    }
}

@Suite struct FileDigestTests {
    @Test func differentBytesDifferentDigests() {
        var seen: Set<FileDigest> = []
        var bytes: [UInt8] = []
        // Lengths around the eight bytes of a step, all zeros; then every single byte changed.
        for _ in 0..<40 {
            seen.insert(FileDigest(bytes: bytes))
            bytes.append(0)
        }
        for index in bytes.indices {
            for bit in 0..<8 as Range<UInt8> {
                bytes[index] ^= 1 << bit
                seen.insert(FileDigest(bytes: bytes))
                bytes[index] ^= 1 << bit
            }
        }
        #expect(seen.count == 40 + 40 * 8)
    }

    @Test func rowsGetDifferentIDs() {
        let digest = FileDigest(bytes: [1, 2, 3])
        let ids = Set((0..<50_000).map { digest.id(row: $0, time: TestLog.start) })
        #expect(ids.count == 50_000)
        #expect(ids.allSatisfy { $0.time == TestLog.start })
        #expect(FileDigest(bytes: [1, 2, 4]).id(row: 0, time: TestLog.start) != digest.id(row: 0, time: TestLog.start))
    }
}
