/// What PostgreSQL stores about experiments: applied versions, serving snapshots, the learner's state, the kill switch, the audit log.
///
/// Every function works on a connection that the caller lends, so that the caller decides what commits together.
package enum Catalog {}
