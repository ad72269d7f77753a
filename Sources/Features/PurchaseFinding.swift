/// Something about a row of purchases that its reader should know.
package enum PurchaseFinding: String, Hashable, Sendable, Codable, CaseIterable {
    case missingCustomer = "missing-customer"
    case missingTime = "missing-time"
    case unreadableTime = "unreadable-time"
    case tooEarly = "before-1990"
    case notBeforeAsOf = "not-before-as-of"
    case missingAmount = "missing-amount"
    case unreadableAmount = "unreadable-amount"
    case otherCurrency = "other-currency"
    case duplicate
    case missingCategory = "missing-category"
    case uncountedCategory = "uncounted-category"
    case missingDiscount = "missing-discount"
    case unreadableDiscount = "unreadable-discount"
    case negativeDiscount = "negative-discount"
    case unreadableUnits = "unreadable-units"
    case returned = "return"
    case outlier

    /// What it is.
    package var meaning: String {
        switch self {
        case .missingCustomer: "rows without a customer"
        case .missingTime: "rows without a time"
        case .unreadableTime: "rows whose time is none or does not exist"
        case .tooEarly: "rows from before 1990"
        case .notBeforeAsOf: "rows at or after the moment of the features"
        case .missingAmount: "rows without an amount"
        case .unreadableAmount: "rows whose amount is no number"
        case .otherCurrency: "rows in another currency"
        case .duplicate: "rows that repeat another exactly"
        case .missingCategory: "rows without a category"
        case .uncountedCategory: "rows with a category beyond the first million"
        case .missingDiscount: "rows without a discount"
        case .unreadableDiscount: "rows whose discount is no number"
        case .negativeDiscount: "rows with a negative discount"
        case .unreadableUnits: "rows whose number of pieces is none or negative"
        case .returned: "rows with a negative amount"
        case .outlier: "purchases outside the bounds of outliers"
        }
    }

    /// What was done about it.
    package var treatment: String {
        switch self {
        case .missingCustomer, .missingTime, .unreadableTime, .tooEarly, .notBeforeAsOf, .missingAmount, .unreadableAmount, .otherCurrency,
            .duplicate:
            "left out"
        case .missingCategory: "count as spend on something else"
        case .uncountedCategory: "count as spend on something else"
        case .missingDiscount, .unreadableDiscount: "taken as no discount"
        case .negativeDiscount: "taken as money off"
        case .unreadableUnits: "pieces taken as unknown"
        case .returned: "returns: in return_rate and returned, not in spend"
        case .outlier: "limited to the bounds"
        }
    }
}
