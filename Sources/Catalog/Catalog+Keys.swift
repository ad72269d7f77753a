package import HaggleCore
package import Postgres

extension Catalog {
    /// Makes a key and keeps its hash.
    /// - Returns: the key; nobody can read it again.
    package static func createKey(
        name: String, scopes: Set<APIScope>, expiresAt: Timestamp?, by actor: String, on connection: Connection
    ) async throws -> (id: String, token: String) {
        let (id, token) = APIKey.make()
        let scopes = APIScope.allCases.filter(scopes.contains).map(\.rawValue).joined(separator: ",")
        _ = try await connection.execute(
            """
            INSERT INTO api_keys (id, name, hash, scopes, created_by, expires_at)
            VALUES (\(id), \(name), \(APIKey.hash(of: token)), \(scopes), \(actor), \(microseconds: expiresAt?.microseconds))
            """)
        try await record("create key", experiment: nil, by: actor, detail: #"{"key": "\#(id)", "scopes": "\#(scopes)"}"#, on: connection)
        _ = try await connection.query("SELECT pg_notify(\(CatalogChannel.keys)::text, \(id)::text)")
        return (id, token)
    }

    /// All keys, revoked and expired ones too, newest first.
    package static func keys(on connection: Connection) async throws -> [APIKey] {
        try await connection.query(
            """
            SELECT id, name, hash, scopes, (extract(epoch FROM created_at) * 1000000)::bigint AS created_at,
                   (extract(epoch FROM expires_at) * 1000000)::bigint AS expires_at,
                   (extract(epoch FROM revoked_at) * 1000000)::bigint AS revoked_at
              FROM api_keys ORDER BY api_keys.created_at DESC, id
            """
        ).map { row in
            APIKey(
                id: try row.decode("id", as: String.self), name: try row.decode("name", as: String.self),
                scopes: Set(try row.decode("scopes", as: String.self).split(separator: ",").compactMap { APIScope(rawValue: String($0)) }),
                hash: try row.decode("hash", as: [UInt8].self),
                createdAt: Timestamp(microseconds: try row.decode("created_at", as: Int64.self)),
                expiresAt: try row.decode("expires_at", as: Int64?.self).map { Timestamp(microseconds: $0) },
                revokedAt: try row.decode("revoked_at", as: Int64?.self).map { Timestamp(microseconds: $0) })
        }
    }

    /// Takes a key back; servers hear of it at once. Again changes nothing.
    /// - Throws: `CatalogError.unknownKey`.
    package static func revokeKey(_ id: String, by actor: String, on connection: Connection) async throws {
        let changed = try await connection.execute(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE id = \(id)")
        guard changed == 1 else { throw CatalogError.unknownKey(id) }
        try await record("revoke key", experiment: nil, by: actor, detail: #"{"key": "\#(id)"}"#, on: connection)
        _ = try await connection.query("SELECT pg_notify(\(CatalogChannel.keys)::text, \(id)::text)")
    }
}
