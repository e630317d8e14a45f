"""The sources that several definitions cite, each defined once."""

AAPOR = "American Association for Public Opinion Research: Standard Definitions"
CALL_CENTER = "Cleveland: Call Center Management on Fast Forward, ICMI Press"
CART_ABANDONMENT = (
    "Kukar-Kinney and Close 2010: "
    "The Determinants of Consumers' Online Shopping Cart Abandonment, Journal of the Academy of Marketing Science 38(2)"
)
CRACKING_SALES = "Jordan and Vazzana: Cracking the Sales Management Code, McGraw-Hill 2012"
DEFECTION = "Neslin, Gupta, Kamakura, Lu and Mason 2006: Defection Detection, Journal of Marketing Research 43(2)"
DEMAND_WATERFALL = "SiriusDecisions: Demand Waterfall (inquiries, MQLs, sales accepted leads, SQLs, won)"
EFFORTLESS = "Dixon, Freeman, Toman: Stop Trying to Delight Your Customers, Harvard Business Review, July-August 2010"
EMAIL_METRICS = "Email Experience Council: Support the Adoption of Metrics for Email (S.A.M.E.), 2010"
ISO_10002 = "ISO 10002:2018, Guidelines for complaints handling in organizations"
ISO_18295 = "ISO 18295-1:2017, Customer contact centres, requirements"
ITIL = "Axelos: ITIL Foundation, ITIL 4 edition, 2019"
KAPLAN_MEIER = (
    "Kaplan and Meier 1958: "
    "Nonparametric Estimation from Incomplete Observations, Journal of the American Statistical Association 53(282)"
)
KELLER = "Keller 1993: Conceptualizing, Measuring, and Managing Customer-Based Brand Equity, Journal of Marketing 57(1)"
LIFETIME_VALUE = "Gupta et al. 2006: Modeling Customer Lifetime Value, Journal of Service Research 9(2)"
MARKETING_METRICS = "Farris, Bendle, Pfeifer and Reibstein: Marketing Metrics, 3rd edition, Pearson 2015"
PRODUCT_RETURNS = "Petersen and Kumar 2009: Are Product Returns a Necessary Evil?, Journal of Marketing 73(3)"
PROJECT_RETENTION = "Fader and Hardie 2007: How to Project Customer Retention, Journal of Interactive Marketing 21(1)"
RFM_AND_CLV = "Fader, Hardie and Lee 2005: RFM and CLV, Journal of Marketing Research 42(4)"
SAAS_METRICS = "Skok: SaaS Metrics 2.0, a Guide to Measuring and Improving what Matters, forEntrepreneurs"
SCOR = "Supply Chain Operations Reference model, RS.1.1: order fulfilment cycle time"
SHORT_LIFE_OF_LEADS = (
    "Oldroyd, McElheran and Elkington: The Short Life of Online Sales Leads, Harvard Business Review, March 2011"
)
STRIPE_BILLING = "Stripe documentation: Billing metric definitions"
SURVIVAL_DATA = "Cox and Oakes: Analysis of Survival Data, Chapman and Hall 1984 (events over the time at risk)"
WEB_ANALYTICS = "Web Analytics Association: Web Analytics Definitions, 2008"

__all__ = sorted(name for name in globals() if name.isupper())  # noqa: PLE0605  # a list, though not a literal one
