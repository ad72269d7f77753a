import Catalog
import Foundation
import HTTPTypes
import HaggleCore
import Postgres
import Testing

@testable import HaggleServer

@Suite struct KeyTests {
    private static let body = Array(#"{"unit": "c-1"}"#.utf8)
    private static let path = "/v1/experiments/checkout/assignments"

    private static func create(_ scopes: Set<APIScope>, expiresAt: Timestamp? = nil, _ service: RunningService) async throws -> (
        id: String, token: String
    ) {
        try await service.pool.withTransaction {
            try await Catalog.createKey(name: "test", scopes: scopes, expiresAt: expiresAt, by: "test", on: $0)
        }
    }

    @Test func onLoopbackAKeyIsNeededOnceOneExists() async throws {
        try await RunningService.with { service in
            #expect(try await service.client.send("POST", Self.path, Self.body).status == 200)
            let key = try await Self.create([.assign], service)
            #expect(try await service.eventually { try await service.client.send("POST", Self.path, Self.body).status == 401 })
            let missing = try await service.client.send("POST", Self.path, Self.body)
            #expect(missing.problem == "key_missing" && missing.headers["www-authenticate"]?.contains("Bearer") == true)
            for header in ["Authorization: Bearer \(key.token)\r\n", "X-API-Key: \(key.token)\r\n"] {
                #expect(try await service.client.send("POST", Self.path, Self.body, headers: header).status == 200)
            }
            // Its scope and no other.
            let conversion = Array(#"{"conversion_id": "o", "unit": "c-1", "experiment": "checkout", "kind": "purchase", "value": 1}"#.utf8)
            let other = try await service.client.send(
                "POST", "/v1/conversions", conversion, headers: "X-API-Key: \(key.token)\r\n")
            #expect(other.status == 403 && other.problem == "scope_missing")
            // A wrong secret under a right id, another id, and no key at all are told alike.
            let last = key.token.last == "A" ? "B" : "A"
            for wrong in [String(key.token.dropLast()) + last, "hgl_00000000_" + key.token.dropFirst(13), "secret", ""] {
                let answer = try await service.client.send("POST", Self.path, Self.body, headers: "X-API-Key: \(wrong)\r\n")
                #expect(answer.status == 401 && answer.problem == "key_refused", "\(wrong.count)")
            }
            // Probes need none.
            for open in ["/healthz", "/readyz", "/openapi.json"] { #expect(try await service.client.get(open).status == 200) }
            #expect(try await service.client.get("/metrics").status == 401)
        }
    }

    @Test func aRevokedKeyAndAnExpiredOneAreRefused() async throws {
        try await RunningService.with { service in
            let kept = try await Self.create([.admin], service)
            let revoked = try await Self.create([.assign], service)
            let expired = try await Self.create([.assign], expiresAt: .now - 1, service)
            func status(_ token: String) async throws -> Int {
                try await service.client.send("POST", Self.path, Self.body, headers: "X-API-Key: \(token)\r\n").status
            }
            #expect(try await service.eventually { try await status(revoked.token) == 200 })
            #expect(try await status(expired.token) == 401)
            try await service.pool.withTransaction { try await Catalog.revokeKey(revoked.id, by: "test", on: $0) }
            // Told by the database, not found by asking every few seconds.
            #expect(try await service.eventually(within: 2) { try await status(revoked.token) == 401 })
            // Admin holds the others.
            #expect(try await status(kept.token) == 200)
            #expect(try await service.client.send("GET", "/v1/experiments", headers: "X-API-Key: \(kept.token)\r\n").status == 200)
        }
    }

    /// A browser sends basic credentials along with what other pages ask for, so they read and change nothing.
    @Test func basicCredentialsReadAndChangeNothing() async throws {
        try await RunningService.with { service in
            let key = try await Self.create([.admin], service)
            let basic = "Authorization: Basic \(Data("me:\(key.token)".utf8).base64EncodedString())\r\n"
            #expect(try await service.eventually { try await service.client.get("/").status == 401 })
            #expect(try await service.client.send("GET", "/", headers: basic).status == 200)
            #expect(try await service.client.send("POST", "/v1/experiments/checkout/pause", headers: basic).status == 401)
        }
    }

    @Test func theDatabaseAndTheLogHoldNoKey() async throws {
        try await RunningService.with { service in
            let key = try await Self.create([.assign], service)
            let secret = String(key.token.dropFirst(13))
            let stored = try await service.pool.withConnection {
                try await $0.query(
                    "SELECT row_to_json(k)::text || coalesce((SELECT string_agg(a::text, '') FROM audit_log a), '') AS all FROM api_keys k"
                )
                .map { try $0.decode("all", as: String.self) }
            }
            #expect(stored.count == 1 && stored[0].contains(key.id) && !stored[0].contains(secret))
            _ = try await service.client.send("POST", Self.path, Self.body, headers: "X-API-Key: \(key.token)x\r\n")
            #expect(service.log.errors.allSatisfy { !$0.contains(secret) })
        }
    }

    /// Where others can reach the server there is no moment without keys.
    @Test func beyondLoopbackAKeyIsNeededFromTheStart() {
        #expect(KeyRing(host: "0.0.0.0").problem(token: nil, scope: .assign, now: .now)?.status == .unauthorized)
        #expect(KeyRing(host: "127.0.0.1").problem(token: nil, scope: .assign, now: .now) == nil)
    }

    @Test func everyRouteNeedsWhatItDoes() {
        #expect(KeyMiddleware.scope(of: .post, path: "/v1/experiments/e/pause") == .admin)
        #expect(KeyMiddleware.scope(of: .post, path: "/v1/experiments/e/resume") == .admin)
        #expect(KeyMiddleware.scope(of: .post, path: "/v1/conversions") == .convert)
        #expect(KeyMiddleware.scope(of: .post, path: "/v1/assignments") == .assign)
        #expect(KeyMiddleware.scope(of: .get, path: "/v1/experiments") == .read)
        #expect(KeyMiddleware.scope(of: .get, path: "/healthz") == nil)
        #expect(KeyMiddleware.scope(of: .delete, path: "/anything") == .assign)
    }
}
