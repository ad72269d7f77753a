import Foundation
import HaggleMath

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `haggle evaluate` on files, with a 1 000-fold bootstrap, beside the same work in Open Bandit Pipeline on the same files.
///
/// Both are whole processes, so that the memory that counts is what the system saw. `HAGGLE_BENCH_ROWS` sets the number of rows.
struct EvaluationBench {
    let directory: String
    let rowCount: Int
    private let armCount = 10

    func run() throws {
        let files = try write()
        let megabytes = Double(files.bytes) / 1e6
        let haggle = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "haggle").path
        guard FileManager.default.isExecutableFile(atPath: haggle) else { throw BenchError.programMissing(haggle) }
        let common = ["evaluate", "--log", files.log, "--target", files.target, "--reward-model", files.estimates, "--format", "json"]
        let estimators = ["--estimator", "IPS", "--estimator", "SNIPS", "--estimator", "DR"]
        let reading = try Measured(haggle, common + estimators)
        let whole = try Measured(haggle, common + estimators + ["--interval", "bootstrap", "--resamples", "1000"])
        Bench.report(
            "files read and IPS, SNIPS, DR without bootstrap",
            "\(Bench.fixed(reading.seconds, 2)) s, \(Bench.fixed(megabytes / reading.seconds, 0)) MB/s of \(Bench.fixed(megabytes, 0)) MB (aim: 150)"
        )
        Bench.report(
            "the same with 1 000 resamples",
            "\(Bench.fixed(whole.seconds, 2)) s, peak \(Bench.fixed(whole.peakMebibytes, 0)) MiB (aim: below 300)")
        try comparePeer(files: files, ours: whole, reading: reading)
    }

    /// Runs Open Bandit Pipeline on the same files, where a Python with it is found.
    private func comparePeer(files: Files, ours: Measured, reading: Measured) throws {
        let python = ProcessInfo.processInfo.environment["HAGGLE_OBP_PYTHON"] ?? "/usr/bin/python3"
        let script = directory + "/peer.py"
        try Data(Self.peerScript.utf8).write(to: URL(filePath: script))
        guard FileManager.default.isExecutableFile(atPath: python),
            let peer = try? Measured(python, [script, files.log, files.target, files.estimates, "1000"]),
            let json = try? JSONSerialization.jsonObject(with: peer.output) as? [String: Any],
            let seconds = json["seconds"] as? Double, let values = json["values"] as? [String: Double]
        else {
            Bench.report("Open Bandit Pipeline", "not measured: set HAGGLE_OBP_PYTHON to a Python that has obp 0.5.7")
            return
        }
        Bench.report(
            "Open Bandit Pipeline, arrays already in memory",
            "\(Bench.fixed(seconds, 2)) s, peak \(Bench.fixed(peer.peakMebibytes, 0)) MiB")
        Bench.report("ratio, whole process with reading against its arrays", Bench.fixed(seconds / ours.seconds))
        let evaluating = max(ours.seconds - reading.seconds, 0.001)
        Bench.report("ratio, the bootstrap's share of ours against it", "\(Bench.fixed(seconds / evaluating)) (aim: 40)")
        for (name, theirs) in values.sorted(by: { $0.key < $1.key }) {
            guard let value = ours.value(of: name) else { throw BenchError.estimateMissing(name) }
            // The same numbers in another order of summation.
            guard abs(value - theirs) <= 1e-9 * abs(theirs) else { throw BenchError.estimatesDiffer(name, value, theirs) }
        }
    }

    private struct Files {
        var log: String
        var target: String
        var estimates: String
        var bytes: Int
    }

    /// Softmax logging and target policies over random scores, clicks with probability .02 to .2, estimates near them.
    private func write() throws -> Files {
        let files = Files(log: directory + "/log.csv", target: directory + "/target.csv", estimates: directory + "/qhat.csv", bytes: 0)
        let names = (0..<armCount).map { "a\($0)" }
        var log = try Lines(files.log, header: "arm,propensity,reward")
        var target = try Lines(files.target, header: names.joined(separator: ","))
        var estimates = try Lines(files.estimates, header: names.joined(separator: ","))
        var generator = SeededGenerator(seed: 1)
        var scores = [Double](repeating: 0, count: armCount)
        for _ in 0..<rowCount {
            for arm in 0..<armCount { scores[arm] = generator.normal() }
            let logging = softmax(scores)
            var u = generator.uniform()
            var arm = 0
            while arm < armCount - 1, u >= logging[arm] {
                u -= logging[arm]
                arm += 1
            }
            let truth = (0..<armCount).map { _ in 0.02 + 0.18 * generator.uniform() }
            let reward = generator.uniform() < truth[arm] ? 1 : 0
            log.append("\(names[arm]),\(logging[arm]),\(reward)")
            target.append(softmax(scores.map { 0.5 * $0 + 0.5 * generator.normal() }))
            estimates.append(truth.map { min(1, max(0, $0 + 0.02 * generator.normal())) })
        }
        var written = files
        written.bytes = try log.close() + target.close() + estimates.close()
        return written
    }

    private func softmax(_ scores: [Double]) -> [Double] {
        let exponentials = scores.map { exp($0) }
        let total = exponentials.reduce(0, +)
        return exponentials.map { $0 / total }
    }

    private static let peerScript = """
        import sys, time, json, warnings
        warnings.filterwarnings("ignore")
        import numpy as np, pandas as pd
        from obp.ope import (OffPolicyEvaluation, InverseProbabilityWeighting, SelfNormalizedInverseProbabilityWeighting, DoublyRobust)
        log = pd.read_csv(sys.argv[1])
        target = pd.read_csv(sys.argv[2]).to_numpy()
        estimates = pd.read_csv(sys.argv[3]).to_numpy()
        rows, arms = target.shape
        feedback = dict(n_rounds=rows, n_actions=arms, action=log.arm.str[1:].astype(int).to_numpy(), reward=log.reward.to_numpy(),
                        pscore=log.propensity.to_numpy(), position=None, context=np.zeros((rows, 1)), action_context=np.eye(arms))
        ope = OffPolicyEvaluation(bandit_feedback=feedback, ope_estimators=[
            InverseProbabilityWeighting(estimator_name="IPS"), SelfNormalizedInverseProbabilityWeighting(estimator_name="SNIPS"),
            DoublyRobust(estimator_name="DR")])
        start = time.perf_counter()
        values = ope.estimate_policy_values(action_dist=target[:, :, None], estimated_rewards_by_reg_model=estimates[:, :, None])
        ope.estimate_intervals(action_dist=target[:, :, None], estimated_rewards_by_reg_model=estimates[:, :, None],
                               n_bootstrap_samples=int(sys.argv[4]), random_state=1)
        print(json.dumps(dict(seconds=time.perf_counter() - start, values={name: float(value) for name, value in values.items()})))
        """
}

/// One file, written in blocks.
private struct Lines {
    private let handle: FileHandle
    private var text: String
    private var bytes = 0

    init(_ path: String, header: String) throws {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        handle = try FileHandle(forWritingTo: URL(filePath: path))
        text = header + "\n"
    }

    mutating func append(_ line: String) {
        text += line
        text += "\n"
        if text.utf8.count > 1 << 20 { flush() }
    }

    mutating func append(_ numbers: [Double]) { append(numbers.map { "\($0)" }.joined(separator: ",")) }

    /// Closes the file.
    /// - Returns: its size in bytes.
    mutating func close() throws -> Int {
        flush()
        try handle.close()
        return bytes
    }

    private mutating func flush() {
        let data = Data(text.utf8)
        bytes += data.count
        handle.write(data)
        text = ""
    }
}

/// A process that ran to its end: how long it took, what it printed, and its peak resident size.
private struct Measured {
    let seconds: Double
    let peakMebibytes: Double
    let output: Data

    #if canImport(Darwin)
    private typealias Actions = posix_spawn_file_actions_t?
    #else
    private typealias Actions = posix_spawn_file_actions_t
    #endif

    init(_ program: String, _ arguments: [String]) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "haggle-bench-\(getpid()).out").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        var actions = unsafe Actions()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 1, file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        // Safe: the strings live until they are freed below, after the program was started with copies of them.
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer {
            for index in unsafe words.indices { unsafe free(words[index]) }
        }
        var process: pid_t = 0
        let start = ContinuousClock.now
        guard unsafe posix_spawn(&process, program, &actions, nil, &words, environ) == 0 else { throw BenchError.programMissing(program) }
        var status: Int32 = 0
        var usage = rusage()
        while unsafe wait4(process, &status, 0, &usage) < 0, errno == EINTR {}
        let elapsed = (ContinuousClock.now - start).components
        seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        #if canImport(Darwin)
        peakMebibytes = Double(usage.ru_maxrss) / 1_048_576
        #else
        peakMebibytes = Double(usage.ru_maxrss) / 1024
        #endif
        output = try Data(contentsOf: URL(filePath: file))
        // 0, or 1 with a report whose verdict is a bad one.
        guard status & 0x7f == 0, !output.isEmpty else { throw BenchError.programFailed(program, status >> 8) }
    }

    /// The estimate of that name in a report of `haggle evaluate`.
    func value(of estimator: String) -> Double? {
        let report = try? JSONSerialization.jsonObject(with: output) as? [String: Any]
        let policy = (report?["policies"] as? [[String: Any]])?.first
        let estimates = policy?["estimates"] as? [[String: Any]]
        return estimates?.first { $0["estimator"] as? String == estimator }?["value"] as? Double
    }
}
