import EventLog
import HaggleCore
import Postgres
import Tabular
import Testing

/// What the moment says is added where the schema wants it, the row has a time, and the row does not say it itself.
struct TimeFeatureTests {
    /// 1 November 2026 is a Sunday; at six, that is 6.25 days after Monday's midnight.
    private static let atSix: Context = ["$hour": 6, "$weekday": 6.25, "$weekend": true]
    private static let schema = FeatureSchema(features: TimeFeatures.features.filter { $0.name != TimeFeatures.season })

    @Test func storedRowsGetTheMomentOfTheirTime() async throws {
        var experiment = TestLog.experiment()
        experiment.context.features += Self.schema.features
        try await TestLog.with(experiment) { log in
            try await log.sink.append(log.impression(1, at: 6 * 3600, context: ["recency": 12]))
            try await log.sink.append(log.impression(2, at: 6 * 3600, context: ["recency": 12, "$hour": 23]))
            func contexts(_ experiment: Experiment, _ features: [String]?) async throws -> [Context] {
                try await collect(
                    try await PostgresInteractionSource.open(
                        pool: log.pool, experiment: experiment, asOf: TestLog.start, features: features)
                ).map(\.context)
            }
            var expected = Self.atSix
            expected["recency"] = 12
            var second = expected
            second["$hour"] = 23
            #expect(try await contexts(experiment, nil) == [expected, second])
            // Only what is wanted.
            #expect(try await contexts(experiment, ["$weekend"]) == [["$weekend": true], ["$weekend": true]])
            #expect(try await contexts(experiment, []) == [[:], [:]])
            // A schema without them leaves rows as they are.
            #expect(try await contexts(TestLog.experiment(), nil)[0] == ["recency": 12])
        }
    }

    @Test func rowsOfFilesGetTheMomentOfTheirTime() async throws {
        try await withFile("arm,propensity,reward,time,$hour\na,0.5,1,2026-11-01T06:00:00Z,\na,0.5,1,2026-11-01T06:00:00Z,3\n") { path in
            let columns = CSVInteractionSource.Columns(time: "time", context: ["$hour"])
            let rows = try await collect(try CSVInteractionSource(path: path, columns: columns, schema: Self.schema))
            var second = Self.atSix
            second["$hour"] = 3
            #expect(rows.map(\.context) == [Self.atSix, second])
            #expect(try await collect(try CSVInteractionSource(path: path, columns: .init(time: "time")))[0].context == [:])
        }
        try await withFile(
            "{\"arm\": \"a\", \"reward\": 1, \"time\": \"2026-11-01T06:00:00Z\"}\n{\"arm\": \"a\", \"reward\": 1}\n", name: "l.ndjson"
        ) { path in
            let rows = try await collect(try NDJSONInteractionSource(path: path, schema: Self.schema))
            // A row without a time has no hour.
            #expect(rows.map(\.context) == [Self.atSix, [:]])
        }
    }

    @Test func importedRowsAreStoredWithTheMoment() async throws {
        var experiment = TestLog.experiment()
        experiment.context.features = Self.schema.features
        try await TestLog.with(experiment) { log in
            let text = "arm,reward,when\nnone,1,2026-11-01T06:00:00Z\n"
            try await withFile(text) { path in
                let map = try ColumnMap(parsing: "arm=arm, reward=reward, time=when")
                let source = try CSVImport(path: path, map: map, schema: experiment.context)
                let importer = LogImporter(pool: log.pool, experiment: experiment, version: 1, receivedAt: TestLog.start)
                #expect(try await importer.run(source).impressions == 1)
                let stored = try await log.count(
                    "SELECT count(*) FROM impressions WHERE context = '{\"$hour\": 6, \"$weekday\": 6.25, \"$weekend\": true}'::jsonb")
                #expect(stored == 1)
            }
        }
    }

    /// An exported log names them already: they are read as what they are.
    @Test func inferredSchemaKnowsThem() throws {
        var inference = SchemaInference()
        inference.see(["recency": 3, "$hour": 6, "$weekend": true, "history": .events([["amount": 3]])])
        #expect(
            inference.schema.features.map(\.name) == ["$hour", "$weekend", "recency"]
                && inference.schema["$hour"]?.kind == .cycle(period: 24))
    }
}
