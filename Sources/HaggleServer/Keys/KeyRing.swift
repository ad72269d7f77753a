import Catalog
import HTTPTypes
import HaggleCore
import Hummingbird
import Postgres
import Synchronization

/// The API keys that this server knows.
///
/// A key is needed as soon as one exists, or where others than this machine can reach the server. While the database is away the keys known last
/// hold; expiry is checked at each request.
final class KeyRing: Sendable {
    /// Whether requests without a key are served while no key exists: on loopback only.
    private let isLoopback: Bool
    private let keys = Mutex<[String: APIKey]>([:])

    /// - Parameter host: the address the server listens on.
    init(host: String) { isLoopback = ["127.0.0.1", "::1", "localhost"].contains(host) }

    /// - Returns: whether something changed.
    @discardableResult
    func refresh(from pool: ConnectionPool) async throws -> Bool {
        replace(with: try await pool.withConnection { try await Catalog.keys(on: $0) })
    }

    /// - Returns: whether something changed.
    @discardableResult
    func replace(with found: [APIKey]) -> Bool {
        keys.withLock { keys in
            let new = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
            defer { keys = new }
            return keys != new
        }
    }

    /// All keys, by id.
    var all: [APIKey] { keys.withLock { $0.values.sorted { $0.id < $1.id } } }

    /// Why a request with this key (or none) is not served; nil where it is.
    func problem(token: String?, scope: APIScope, now: Timestamp) -> ServiceProblem? {
        let (key, isEmpty) = keys.withLock { keys in (token.flatMap { APIKey.id(in: $0) }.flatMap { keys[$0] }, keys.isEmpty) }
        if isEmpty, isLoopback { return nil }
        guard let token else {
            return ServiceProblem(
                status: .unauthorized, code: "key_missing",
                detail: "expected an API key in `Authorization: Bearer KEY` or `X-API-Key: KEY`; `haggle keys create` makes one")
        }
        // One answer for all that is wrong with a key.
        guard let key, key.matches(token), key.isValid(at: now) else {
            return ServiceProblem(status: .unauthorized, code: "key_refused", detail: "the API key is unknown, expired or revoked")
        }
        guard key.allows(scope) else {
            return ServiceProblem(
                status: .forbidden, code: "scope_missing",
                detail: "the API key lacks the scope '\(scope.rawValue)', which this request needs")
        }
        return nil
    }
}

/// Asks for a key before a route is reached.
struct KeyMiddleware: RouterMiddleware {
    typealias Context = ServiceRequestContext

    let ring: KeyRing
    /// Nil lets every caller send as much as it likes.
    var limiter: RateLimiter?

    @concurrent
    func handle(
        _ request: Request, context: ServiceRequestContext, next: @concurrent (Request, ServiceRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let scope = Self.scope(of: request.method, path: request.uri.path) else { return try await next(request, context) }
        let token = Self.token(in: request.head)
        if let problem = ring.problem(token: token, scope: scope, now: .now) ?? limiter?.problem(for: Self.caller(token), now: .now) {
            throw problem
        }
        return try await next(request, context)
    }

    /// What a request needs; nil for the probes and the API's description, which tell nothing of anybody.
    static func scope(of method: HTTPRequest.Method, path: String) -> APIScope? {
        if method == .get || method == .head {
            return ["/healthz", "/readyz", "/openapi.json"].contains(path) ? nil : .read
        }
        if path.hasSuffix("/pause") || path.hasSuffix("/resume") { return .admin }
        return path == "/v1/conversions" ? .convert : .assign
    }

    /// Whose requests are counted together: those of one valid key.
    static func caller(_ token: String?) -> String? { token.flatMap { APIKey.id(in: $0) } }

    /// `Authorization: Bearer KEY`, `X-API-Key: KEY`, and for people at a browser, reading only, the password of basic authentication: a browser
    /// sends that along with requests that other pages make, so it opens nothing that changes anything.
    static func token(in request: HTTPRequest) -> String? {
        if let key = HTTPField.Name("X-API-Key").flatMap({ request.headerFields[$0] }) { return key }
        guard let authorization = request.headerFields[.authorization] else { return nil }
        if authorization.hasPrefix("Bearer ") { return String(authorization.dropFirst(7)) }
        guard authorization.hasPrefix("Basic "), request.method == .get || request.method == .head,
            let pair = Base64Text.decode(authorization.dropFirst(6)), let colon = pair.firstIndex(of: ":")
        else { return nil }
        return String(pair[pair.index(after: colon)...])
    }
}
