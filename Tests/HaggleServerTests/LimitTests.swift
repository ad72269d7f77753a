import HTTPTypes
import HaggleCore
import Testing

@testable import HaggleServer

@Suite struct LimitTests {
    /// A bucket of 3 that fills at 2 a second, on a clock of the test's own.
    @Test func aKeyGetsItsBurstAndThenItsRate() throws {
        let limiter = RateLimiter(rate: 2, burst: 3)
        let start = ContinuousClock.now
        func count(_ caller: String?, at seconds: Double) -> Int {
            (0..<10).filter { _ in limiter.problem(for: caller, now: start + .seconds(seconds)) == nil }.count
        }
        #expect(count("a", at: 0) == 3)
        // Others have buckets of their own.
        #expect(count("b", at: 0) == 3 && count(nil, at: 0) == 3)
        #expect(count("a", at: 0.4) == 0)
        #expect(count("a", at: 1.5) == 3)
        #expect(count("a", at: 2.5) == 2)
        // However long it is left alone, a bucket holds no more than its burst; a clock that runs back gives nothing.
        #expect(count("a", at: 1000) == 3)
        #expect(count("a", at: 10) == 0)
        let refused = try #require(limiter.problem(for: "a", now: start + .seconds(1000)))
        #expect(refused.status == .tooManyRequests && refused.code == "rate_limited" && refused.retryAfterSeconds == 1)
    }

    /// Both ways of answering share one bucket, and the refusal says when to come back; probes are not counted.
    @Test func moreThanTheRateIsRefused() async throws {
        for hasJournal in [false, true] {
            try await RunningService.limited(hasJournal: hasJournal, { $0.rateLimit = (0.01, 5) }) { service in
                var bytes: [UInt8] = []
                let body = #"{"unit": "c-1"}"#
                for _ in 0..<8 {
                    let path = "POST /v1/experiments/checkout/assignments"
                    bytes += Array("\(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
                }
                bytes += Array("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
                let answers = try await service.client.answers(to: bytes)
                #expect(answers.map(\.status) == [200, 200, 200, 200, 200, 429, 429, 429, 200])
                #expect(answers[5].problem == "rate_limited" && (Int(answers[5].headers["retry-after"] ?? "") ?? 0) > 1)
            }
        }
    }

    @Test(
        arguments: [
            (origin: nil, site: nil, isElsewhere: false), (origin: "http://localhost:8080", site: nil, isElsewhere: false),
            (origin: "http://localhost:8080", site: "same-origin", isElsewhere: false), (origin: nil, site: "none", isElsewhere: false),
            (origin: "https://evil.example", site: nil, isElsewhere: true), (origin: nil, site: "cross-site", isElsewhere: true),
            (origin: nil, site: "same-site", isElsewhere: true), (origin: "null", site: nil, isElsewhere: true),
            (origin: "http://localhost:8081", site: nil, isElsewhere: true),
        ] as [(origin: String?, site: String?, isElsewhere: Bool)])
    func browsersOfOtherSitesAreKnown(origin: String?, site: String?, isElsewhere: Bool) throws {
        var head = HTTPRequest(method: .post, scheme: "http", authority: "localhost:8080", path: "/v1/experiments/checkout/pause")
        if let origin { head.headerFields[.origin] = origin }
        if let site { head.headerFields[try #require(CrossSiteMiddleware.fetchSite)] = site }
        #expect(CrossSiteMiddleware.isFromElsewhere(head) == isElsewhere)
    }

    @Test func aPageOfAnotherSiteChangesNothing() async throws {
        try await RunningService.limited(hasJournal: true, { _ in }) { service in
            let evil = "Origin: https://evil.example\r\n"
            let pause = try await service.client.send("POST", "/v1/experiments/checkout/pause", [], headers: evil)
            #expect(pause.status == 403 && pause.problem == "cross_site")
            let body = #"{"unit": "c-1"}"#
            let assign =
                "POST /v1/experiments/checkout/assignments HTTP/1.1\r\nHost: localhost\r\n\(evil)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            let last = "GET /v1/experiments/checkout HTTP/1.1\r\nHost: localhost\r\n\(evil)Connection: close\r\n\r\n"
            let answers = try await service.client.answers(to: Array((assign + last).utf8))
            #expect(answers.map(\.status) == [403, 200])
            #expect(answers[1].object["paused"] as? Bool == false)
        }
    }

    /// A client that sends a piece of a request and stops, or nothing, is sent away; those beside it are served meanwhile.
    @Test(arguments: ["", "GET /heal", "POST /v1/conversions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n[{"])
    func aSlowClientIsSentAway(piece: String) async throws {
        try await RunningService.limited(
            hasJournal: true,
            {
                $0.idleSeconds = 0.3
                $0.requestSeconds = 0.3
            }
        ) { service in
            async let slow = service.client.silence(after: Array(piece.utf8))
            for _ in 0..<20 { #expect(try await service.assign(#"{"unit": "c-1"}"#).status == 200) }
            // The server closes: what came before is nothing, or the refusal of half a request.
            let answer = try await slow
            #expect(!String(decoding: answer, as: UTF8.self).contains("HTTP/1.1 200"))
        }
    }
}
