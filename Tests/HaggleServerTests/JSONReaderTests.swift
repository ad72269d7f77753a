import Foundation
import HaggleServer
import Testing

/// The strict reader of request bodies.
@Suite struct JSONReaderTests {
    private static func accepts(_ bytes: [UInt8]) -> Bool {
        var reader = JSONReader(bytes)
        do {
            try reader.skipValue()
            try reader.end()
            return true
        } catch {
            return false
        }
    }

    @Test(arguments: [
        "0", "-0", "1", "-1.5", "1e3", "1E-3", "1.25e+2", "\"\"", "\"a\"", #""\u00e9\n\/""#, #""\ud83d\ude00""#, "true", "false", "null",
        "[]",
        "{}", " [ 1 , 2 ] ", #"{"a":{"b":[null]}}"#, "\t\r\n1", #"{"a":1,"A":1}"#,
    ])
    func takesWhatTheStandardAllows(_ text: String) { #expect(Self.accepts(Array(text.utf8))) }

    @Test(arguments: [
        "", " ", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x10", "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1 2", "\"", "\"\t\"",
        #""\x""#, #""\u12""#, #""\u0000""#, #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, "tru", "True", "nul", "[", "[1", "[1,]", "[,1]",
        "{",
        #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{a:1}"#, #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, "[1]]", "// 1", "'a'", "\u{FEFF}1",
    ])
    func refusesEverythingElse(_ text: String) { #expect(!Self.accepts(Array(text.utf8))) }

    @Test func refusesWhatIsNotUTF8() {
        let strings: [[UInt8]] = [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]
        for bytes in strings { #expect(!Self.accepts([0x22] + bytes + [0x22])) }
    }

    @Test func nestingIsBounded() {
        let most = JSONReader.maximumDepth
        #expect(Self.accepts(Array((String(repeating: "[", count: most) + String(repeating: "]", count: most)).utf8)))
        #expect(!Self.accepts(Array((String(repeating: "[", count: most + 1) + String(repeating: "]", count: most + 1)).utf8)))
        #expect(!Self.accepts(Array(repeating: UInt8(ascii: "["), count: 1 << 20)))
        #expect(!Self.accepts(Array(String(repeating: #"{"a":"#, count: 100_000).utf8)))
    }

    @Test func aBodyOfKeysCostsNoQuadraticTime() {
        let text = "{" + (0..<60_000).map { "\"key\($0)\":0" }.joined(separator: ",") + "}"
        let start = ContinuousClock.now
        #expect(Self.accepts(Array(text.utf8)))
        // Every key against every other takes minutes; once around takes a fraction of a second, also unoptimised.
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test(arguments: [
        "0.1", "123456789012345", "1234567890123456", "-9007199254740993", "2.2250738585072014e-308", "1.7976931348623157e308", "5e-324",
    ])
    func numbersAreExact(_ text: String) throws {
        var reader = JSONReader(Array(text.utf8))
        #expect(try reader.number() == Double(text))
    }

    @Test func errorsNameThePlace() {
        var reader = JSONReader(Array(#"{"context":{"recency":[1,"x"]}}"#.utf8))
        do throws(JSONProblem) {
            try reader.object { (reader, _) throws(JSONProblem) in
                try reader.object { (reader, _) throws(JSONProblem) in
                    try reader.array { (reader, _) throws(JSONProblem) in _ = try reader.number() }
                }
            }
            Issue.record("a string was read as a number")
        } catch {
            #expect(error.path == "context.recency.1")
            #expect(error.description.contains("expected a number, found a string"))
        }
    }

    /// Whatever arrives, the reader answers; where it accepts, Foundation's reader agrees that this is JSON.
    @Test func mutatedBodiesNeverTrap() throws {
        let seeds = [
            #"{"unit":"c-17","context":{"recency":12.5,"channel":"web","member":true,"x":null},"eligible_arms":["none","ten"],"defer":false}"#,
            #"[{"conversion_id":"a\u00e9\ud83d\ude00","impression_id":"0190","kind":"purchase","value":-1.5e2}]"#,
        ].map { Array($0.utf8) }
        let marks = Array(#"{}[]",:\u0e+-9"#.utf8)
        var mutations = Mutations(state: 7)
        var accepted = 0
        for round in 0..<6000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0...mutations.below(4) {
                let place = mutations.below(bytes.count)
                switch mutations.below(5) {
                case 0: bytes[place] = UInt8(mutations.below(256))
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(marks[mutations.below(marks.count)], at: place)
                case 3: bytes.removeSubrange(place...)
                default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 9)], at: place)
                }
                if bytes.isEmpty { bytes = [0x7b] }
            }
            guard Self.accepts(bytes) else { continue }
            accepted += 1
            let read = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            #expect(read != nil, "\(String(decoding: bytes, as: UTF8.self))")
        }
        // Mutations inside strings and numbers leave JSON; most others do not.
        #expect(accepted > 100 && accepted < 5000)
    }

    /// SplitMix64: the mutations of one state are the same everywhere.
    private struct Mutations {
        var state: UInt64

        mutating func below(_ bound: Int) -> Int {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return Int((z ^ (z >> 31)) % UInt64(bound))
        }
    }
}
