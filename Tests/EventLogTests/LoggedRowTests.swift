import EventLog
import HaggleCore
import Testing

/// The whole log, for whoever checks it.
@Suite struct LoggedRowTests {
    private func rows(_ log: TestLog, after: Int64 = 0, through: Int64 = EventLogReader.latest) async throws -> [LoggedRow] {
        var found: [LoggedRow] = []
        for try await row in log.reader.loggedRows(of: log.experiment.key, after: after, through: through) { found.append(row) }
        return found
    }

    @Test func everyRowComesAsItWasWrittenInTheOrderOfTheLog() async throws {
        try await TestLog.with { log in
            let written = [
                log.impression(1), log.impression(2, at: 60, reason: .holdout), log.impression(3, at: 30, deferred: true),
                log.impression(4, at: 90, context: ["recency": .number(0.1), "channel": "app", "new": true]),
            ]
            for impression in written { try await log.sink.append(impression) }
            let found = try await rows(log)
            #expect(found.map(\.impression) == written)
            #expect(zip(found, found.dropFirst()).allSatisfy { $0.position < $1.position })
        }
    }

    @Test func duplicatesAreRowsToo() async throws {
        try await TestLog.with { log in
            try await log.sink.append(log.impression(1), requestID: "r", stickySalt: nil)
            try await log.sink.append(log.impression(2), requestID: "r", stickySalt: nil)
            let found = try await rows(log)
            #expect(found.map(\.impression.id) == [log.impression(1).id, log.impression(2).id])
            #expect(found.map(\.impression.duplicateOf) == [nil, log.impression(1).id])
        }
    }

    @Test func aSpanOfPositionsExcludesItsStartAndIncludesItsEnd() async throws {
        try await TestLog.with { log in
            for number in 1...5 { try await log.sink.append(log.impression(UInt64(number))) }
            let all = try await rows(log)
            let found = try await rows(log, after: all[1].position, through: all[3].position)
            #expect(found == Array(all[2...3]))
        }
    }

    @Test func otherExperimentsAreLeftOut() async throws {
        try await TestLog.with { log in
            var other = log.impression(2)
            other.experiment = "another"
            try await log.sink.append(log.impression(1))
            try await log.sink.append(other)
            #expect(try await rows(log).map(\.impression.id) == [log.impression(1).id])
        }
    }

    @Test func aSampleOfContextsIsOfItsTimeAndTheSameAgain() async throws {
        try await TestLog.with { log in
            for number in 1...20 {
                try await log.sink.append(
                    log.impression(UInt64(number), at: Double(number), context: ["recency": .number(Double(number))]))
            }
            let moment = log.impression(1, at: 15).occurredAt
            func sample(_ count: Int, window: Int = 5000) async throws -> [Double] {
                try await log.reader.contexts(of: log.experiment.key, until: moment, count: count, window: window).compactMap {
                    if case .number(let value)? = $0["recency"] { value } else { nil }
                }
            }
            #expect(try await sample(100).sorted() == (1...15).map(Double.init))
            let some = try await sample(6)
            #expect(Set(some).count == 6)
            #expect(try await sample(6) == some)
            // The window counts from the newest of that time.
            #expect(try await sample(100, window: 4).sorted() == [12, 13, 14, 15])
            #expect(try await log.reader.contexts(of: "another", until: moment, count: 5).isEmpty)
        }
    }
}
