import Crypto
import Foundation
package import HaggleCore

/// What a key allows.
package enum APIScope: String, Sendable, Hashable, CaseIterable, Codable {
    /// Assignments and activations.
    case assign
    /// Conversions.
    case convert
    /// Everything that only reads: experiments, impressions, explanations, dashboard, metrics.
    case read
    /// The kill switch; holds the other three.
    case admin
}

/// A key as the database has it: without the key itself.
package struct APIKey: Sendable, Hashable {
    /// The part that names it, no secret.
    package var id: String
    package var name: String
    package var scopes: Set<APIScope>
    /// SHA-256 of the whole key.
    package var hash: [UInt8]
    package var createdAt: Timestamp
    package var expiresAt: Timestamp?
    package var revokedAt: Timestamp?

    package init(
        id: String, name: String, scopes: Set<APIScope>, hash: [UInt8], createdAt: Timestamp, expiresAt: Timestamp?, revokedAt: Timestamp?
    ) {
        self.id = id
        self.name = name
        self.scopes = scopes
        self.hash = hash
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
    }

    package func isValid(at now: Timestamp) -> Bool { revokedAt == nil && expiresAt.map { now < $0 } ?? true }

    package func allows(_ scope: APIScope) -> Bool { scopes.contains(scope) || scopes.contains(.admin) }

    /// Whether this is the key, in a time that does not depend on where it differs.
    package func matches(_ token: some StringProtocol) -> Bool {
        let given = Self.hash(of: token)
        guard given.count == hash.count else { return false }
        return zip(given, hash).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// The id in a key, `hgl_ID_SECRET`; nil for anything else.
    package static func id(in token: some StringProtocol) -> String? {
        let parts = token.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "hgl", parts[1].utf8.count == 8, !parts[2].isEmpty else { return nil }
        return String(parts[1])
    }

    /// A new key: an id of 32 and a secret of 256 random bits.
    static func make() -> (id: String, token: String) {
        var generator = SystemRandomNumberGenerator()
        let id = (0..<8).map { _ in String(Int.random(in: 0..<16, using: &generator), radix: 16) }.joined()
        let secret = Data((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        return (id, "hgl_\(id)_\(secret)")
    }

    static func hash(of token: some StringProtocol) -> [UInt8] { Array(SHA256.hash(data: Data(token.utf8))) }
}
