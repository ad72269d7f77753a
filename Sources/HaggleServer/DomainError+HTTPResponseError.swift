import Catalog
import EventLog
import HTTPTypes
import HaggleCore
import Hummingbird
import Logging
import NIOCore
import Postgres

extension ServiceProblem: HTTPResponseError {
    /// What goes with the body.
    var headers: HTTPFields {
        var headers: HTTPFields = [.contentType: "application/problem+json"]
        if status == .unauthorized { headers[.wwwAuthenticate] = #"Bearer realm="haggle", Basic realm="haggle""# }
        if let retryAfterSeconds { headers[.retryAfter] = String(retryAfterSeconds) }
        return headers
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        // What stops an OpenFeature client before its route.
        if request.uri.path.hasPrefix("/ofrep/") { return OFREPAnswer.response(to: self, key: nil) }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}

/// The one place that decides which status an error becomes. What is not named here is a 500 without detail.
extension Error {
    var serviceProblem: ServiceProblem {
        switch self {
        case let problem as ServiceProblem: problem
        case let error as CatalogError:
            switch error {
            case .unknownExperiment(let key): .unknownExperiment(key.rawValue)
            default: ServiceProblem(status: .conflict, code: "conflict", detail: error.description)
            }
        case let error as EventLogError:
            switch error {
            case .overloaded:
                ServiceProblem(status: .serviceUnavailable, code: "overloaded", detail: error.description, retryAfterSeconds: 1)
            case .unavailable: .unavailable(error.description)
            case .closed:
                ServiceProblem(
                    status: .serviceUnavailable, code: "shutting_down", detail: "this server is shutting down", retryAfterSeconds: 1)
            case .refused, .notFinite: .badRequest("refused", error.description)
            default: ServiceProblem(status: .internalServerError, code: "internal_error", detail: "something went wrong on our side")
            }
        case let error as JournalError:
            switch error {
            case .full, .notWritten:
                ServiceProblem(
                    status: .serviceUnavailable, code: "journal_unavailable",
                    detail: "the journal cannot take the record; nothing was kept", retryAfterSeconds: 5)
            case .closed:
                ServiceProblem(
                    status: .serviceUnavailable, code: "shutting_down", detail: "this server is shutting down", retryAfterSeconds: 1)
            default: ServiceProblem(status: .internalServerError, code: "internal_error", detail: "something went wrong on our side")
            }
        case let error as DatabaseError where error.isConnectionLost: .unavailable("the database cannot be reached; nothing was logged")
        case is PostgresError: .unavailable("no database connection became free; nothing was logged")
        case let error as any HTTPResponseError where error.status == .notFound:
            ServiceProblem(status: .notFound, code: "not_found", detail: "there is nothing at this path; see /openapi.json")
        case let error as any HTTPResponseError where error.status.code < 500:
            ServiceProblem(status: error.status, code: "bad_request", detail: error.status.reasonPhrase)
        default: ServiceProblem(status: .internalServerError, code: "internal_error", detail: "something went wrong on our side")
        }
    }
}

/// Turns every error into problem details and logs what a client must not see.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = ServiceRequestContext

    @concurrent
    func handle(
        _ request: Request, context: ServiceRequestContext, next: @concurrent (Request, ServiceRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let problem = error.serviceProblem
            if problem.status.code >= 500 {
                context.logger.error("request failed", metadata: ["code": "\(problem.code)", "error": "\(error)"])
            }
            return try problem.response(from: request, context: context)
        }
    }
}
