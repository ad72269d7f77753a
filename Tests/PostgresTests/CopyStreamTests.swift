import Postgres
import TestSupport
import Testing

/// A COPY in binary format, read as it is asked for.
@Suite struct CopyStreamTests {
    private func withPool(size: Int = 2, _ body: (ConnectionPool) async throws -> Void) async throws {
        try await withEmptyDatabase { target in
            let pool = ConnectionPool(target: target, size: size, waitSeconds: 5)
            try await body(pool)
            await pool.close()
        }
    }

    @Test func valuesArriveAsTheyAreStored() async throws {
        try await withPool { pool in
            let stream = pool.copyOut(
                """
                COPY (
                    SELECT 9007199254740993, '00112233-4455-7677-8899-aabbccddeeff'::uuid, 'Zürich'::text, ARRAY['a', 'b,"c'],
                           ARRAY[0.1, -0.0]::double precision[], -1.5::double precision, 7::integer, '2026-11-01 00:00:00.000001+00'::timestamptz
                    UNION ALL
                    SELECT -1, '00000000-0000-0000-0000-000000000000', NULL, '{}', NULL, NULL, NULL, '1999-12-31 23:59:59.5+00'
                ) TO STDOUT (FORMAT binary)
                """)
            var rows = BinaryCopyRows(columnCount: 8)
            var bytes: [UInt8] = []
            var count = 0
            while try await stream.next(into: &bytes) {
                while try rows.next(in: bytes) {
                    let span = bytes.span
                    count += 1
                    let (number, id) = (rows.int64(0, in: span), rows.uuid(1, in: span))
                    let (text, texts) = (rows.string(2, in: span), try rows.strings(3, in: span))
                    let (list, value) = (try rows.doubles(4, in: span), rows.double(5, in: span))
                    let (whole, time) = (rows.int32(6, in: span), rows.instant(7, in: span))
                    if count == 1 {
                        #expect(number == 9_007_199_254_740_993)
                        #expect(id == UUIDWords(high: 0x0011_2233_4455_7677, low: 0x8899_aabb_ccdd_eeff))
                        #expect(text == "Zürich")
                        #expect(texts == ["a", "b,\"c"])
                        #expect(list == [0.1, 0])
                        #expect(value == -1.5)
                        #expect(whole == 7)
                        #expect(time == Instant(microseconds: 1_793_491_200_000_001))
                    } else {
                        #expect(number == -1)
                        #expect(text == nil && list == nil && value == nil && whole == nil)
                        #expect(texts == [])
                        #expect(time == Instant(microseconds: 946_684_799_500_000))
                    }
                }
            }
            #expect(count == 2)
            #expect(rows.isFinished)
            #expect(try await !stream.next(into: &bytes))
        }
    }

    /// Far more than a chunk; the caller keeps no more than what it has not used.
    @Test func manyRowsComeInChunks() async throws {
        try await withPool { pool in
            let stream = pool.copyOut(
                "COPY (SELECT n::bigint, repeat('x', 100) FROM generate_series(1, 100000) n) TO STDOUT (FORMAT binary)")
            var rows = BinaryCopyRows(columnCount: 2)
            var bytes: [UInt8] = []
            var sum: Int64 = 0
            var largest = 0
            while try await stream.next(into: &bytes) {
                largest = max(largest, bytes.count)
                while try rows.next(in: bytes) { sum += rows.int64(0, in: bytes.span) }
                bytes.removeSubrange(0..<rows.position)
                rows.position = 0
            }
            #expect(sum == 5_000_050_000)
            #expect(largest < 1 << 18)
        }
    }

    @Test func aResultWithoutRowsEnds() async throws {
        try await withPool { pool in
            let stream = pool.copyOut("COPY (SELECT 1::bigint WHERE false) TO STDOUT (FORMAT binary)")
            var rows = BinaryCopyRows(columnCount: 1)
            var bytes: [UInt8] = []
            while try await stream.next(into: &bytes) { #expect(try !rows.next(in: bytes)) }
            #expect(rows.isFinished)
        }
    }

    /// With one connection in the pool, each stream needs the one before to have let go of it.
    @Test func everyEndGivesTheConnectionBack() async throws {
        try await withPool(size: 1) { pool in
            let many: SQL = "COPY (SELECT n::bigint FROM generate_series(1, 1000000) n) TO STDOUT (FORMAT binary)"
            do {
                let givenUp = pool.copyOut(many)
                var bytes: [UInt8] = []
                #expect(try await givenUp.next(into: &bytes))
            }
            let failing = pool.copyOut("COPY (SELECT 1 / (n - 50000) FROM generate_series(1, 100000) n) TO STDOUT (FORMAT binary)")
            await #expect(throws: DatabaseError.self) {
                var bytes: [UInt8] = []
                while try await failing.next(into: &bytes) {}
            }
            let whole = pool.copyOut(many, settings: "SET LOCAL work_mem = '1MB'")
            var bytes: [UInt8] = []
            while try await whole.next(into: &bytes) { bytes.removeAll(keepingCapacity: true) }
            // The setting was the transaction's.
            let setting = try await pool.withConnection { try await $0.queryOne("SHOW work_mem") }
            #expect(try setting.decode(0, as: String.self) != "1MB")
        }
    }

    @Test func otherColumnsThanExpectedAreAnError() async throws {
        try await withPool { pool in
            let stream = pool.copyOut("COPY (SELECT 1, 2) TO STDOUT (FORMAT binary)")
            var rows = BinaryCopyRows(columnCount: 3)
            var bytes: [UInt8] = []
            _ = try await stream.next(into: &bytes)
            #expect(throws: PostgresError.damagedCopy) { try rows.next(in: bytes) }
        }
    }

    @Test(arguments: ["plain", "it's", "back\\slash", "\\'; DROP TABLE t; --", "line\nbreak", "日本", "$1", "\u{1}"])
    func literalsMeanTheirText(text: String) async throws {
        try await withPool { pool in
            for setting in ["on", "off"] {
                let row = try await pool.withTransaction { connection in
                    try await connection.executeScript("SET LOCAL standard_conforming_strings = \(setting)")
                    return try await connection.queryOne("SELECT \(literal: text)::text AS text")
                }
                #expect(try row.decode("text", as: String.self) == text)
            }
        }
    }

    @Test func aLiteralWithAZeroCharacterIsRefusedByTheServer() async throws {
        try await withPool { pool in
            await #expect(throws: DatabaseError.self) {
                try await pool.withConnection { try await $0.queryOne("SELECT \(literal: "a\u{0}b")::text") }
            }
        }
    }
}
