import HaggleCore
import Serving
import Testing

struct SplitTests {
    private static let shares = [0.2, 0.5, 0.3]

    @Test func unitsKeepTheirArmAndTheSharesAreLogged() throws {
        let assigner = try ServingFixture.assigner(ServingFixture.split(Self.shares), snapshot: nil)
        #expect(assigner.isSticky)
        let count = 20_000
        var counts = [0.0, 0, 0]
        for number in 0..<count {
            let first = assigner.assign(ServingFixture.request(number), impressionID: ServingFixture.id(number), now: ServingFixture.now)
            #expect(first.reason == .policy && first.snapshot == nil && first.drawKey == "unit-\(number)")
            #expect(first.variant == .arm(assigner.experiment.arms[first.arm].key))
            // The constructor normalises; three additions leave a rounding at most.
            for arm in 0..<3 { #expect(abs(first.distribution[arm] - Self.shares[arm]) < 1e-15) }
            if number < 500 {
                let again = assigner.assign(
                    ServingFixture.request(number, recency: 3, requestID: "another"), impressionID: ServingFixture.id(count + number),
                    now: ServingFixture.now + 86_400)
                #expect(again.arm == first.arm)
            }
            counts[first.arm] += 1
        }
        for arm in 0..<3 {
            let expected = Self.shares[arm] * Double(count)
            // Five standard errors of a binomial count.
            #expect(abs(counts[arm] - expected) < 5 * (expected * (1 - Self.shares[arm])).squareRoot())
        }
    }

    @Test func anotherSaltGivesAnotherSplit() throws {
        var other = ServingFixture.split(Self.shares)
        other.salt = "another"
        let first = try ServingFixture.assigner(ServingFixture.split(Self.shares), snapshot: nil)
        let second = try ServingFixture.assigner(other, snapshot: nil)
        let count = 4000
        let equal = (0..<count).filter { number in
            let request = ServingFixture.request(number)
            let id = ServingFixture.id(number)
            return first.assign(request, impressionID: id, now: ServingFixture.now).arm
                == second.assign(request, impressionID: id, now: ServingFixture.now).arm
        }.count
        // Independent splits agree with probability .2^2 + .5^2 + .3^2 = .38; five standard errors.
        #expect(abs(Double(equal) - 0.38 * Double(count)) < 5 * (0.38 * 0.62 * Double(count)).squareRoot())
    }
}
