import HTTPTypes
import Hummingbird

/// Refuses what changes something when a browser sends it for another site's page: such a page could use the person's place in the network, or
/// a password that the browser remembers. Programs send none of these headers.
struct CrossSiteMiddleware: RouterMiddleware {
    typealias Context = ServiceRequestContext

    @concurrent
    func handle(
        _ request: Request, context: ServiceRequestContext, next: @concurrent (Request, ServiceRequestContext) async throws -> Response
    ) async throws -> Response {
        if request.method != .get, request.method != .head, Self.isFromElsewhere(request.head) {
            throw ServiceProblem(
                status: .forbidden, code: "cross_site", detail: "a browser sent this for a page of another site; that changes nothing here")
        }
        return try await next(request, context)
    }

    static let fetchSite = HTTPField.Name("Sec-Fetch-Site")

    /// Whether a request carries what browsers send along.
    static func isFromBrowser(_ head: HTTPRequest) -> Bool {
        head.headerFields[.origin] != nil || fetchSite.map { head.headerFields[$0] != nil } ?? false
    }

    /// `Sec-Fetch-Site` (Fetch Metadata) where there is one, and `Origin` against the host that was asked.
    static func isFromElsewhere(_ head: HTTPRequest) -> Bool {
        if let site = fetchSite.flatMap({ head.headerFields[$0] }), site != "same-origin", site != "none" { return true }
        guard let origin = head.headerFields[.origin] else { return false }
        guard let authority = head.authority, let scheme = origin.firstRange(of: "://") else { return true }
        return origin[scheme.upperBound...].lowercased() != authority.lowercased()
    }
}
