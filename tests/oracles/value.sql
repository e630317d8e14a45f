
-- customer_lifetime_value
WITH bought AS (SELECT * FROM orders WHERE status = 'completed' AND amount IS NOT NULL AND customer_id IS NOT NULL AND in_period(ordered_at))
SELECT (sum(amount) / count(*)) * (count(*) / count(DISTINCT customer_id) FILTER (amount >= 0) / days_of_period()) * lifespan() * margin() FROM bought
-- customer_lifetime_value.historic
SELECT sum(amount) / count(DISTINCT customer_id) FILTER (amount >= 0) FROM orders
WHERE status = 'completed' AND amount IS NOT NULL AND customer_id IS NOT NULL AND in_period(ordered_at)
-- customer_lifetime_value.arpu_over_churn
SELECT CASE WHEN NOT whole() THEN
    (sum(opening) / count(*)) * margin() / (count(*) FILTER (closing <= 0) / count(*)) END FROM accounts() WHERE opening > 0
-- customer_lifetime_value.discounted
WITH brought AS (SELECT coalesce(sum(o.amount), 0) AS amount FROM orders o JOIN known_customers c ON c.id = o.customer_id
    WHERE o.status = 'completed' AND o.amount IS NOT NULL AND o.ordered_at < as_of() AND c.since <= as_of() AND in_period(c.since)),
months AS (SELECT unnest(range(1, 100)) AS k),
ahead AS (SELECT sum(share * greatest(0, least(until_t / month(), k) - greatest(from_t / month(), k - 1)) / (1 + discount()) ** (k / 12.0)) AS months
    FROM curve(), months)
SELECT CASE WHEN horizon_is_seen() THEN
    amount::DOUBLE / ((SELECT sum(t) FROM stays()) / month()) * (SELECT months FROM ahead) * margin() END FROM brought
-- customer_acquisition_cost
SELECT (SELECT coalesce(sum(amount), 0) FROM expenses WHERE team IN ('marketing', 'sales') AND in_period(spent_at))
    / (SELECT count(*) FROM credible_customers WHERE in_period(since))
-- customer_acquisition_cost.marketing_only
SELECT (SELECT coalesce(sum(amount), 0) FROM expenses WHERE team = 'marketing' AND in_period(spent_at))
    / (SELECT count(*) FROM credible_customers WHERE in_period(since))
-- customer_acquisition_cost.lagged
SELECT CASE WHEN NOT whole() THEN
    (SELECT coalesce(sum(amount), 0) FROM expenses WHERE team IN ('marketing', 'sales') AND in_lagged(spent_at))
    / (SELECT count(*) FROM credible_customers WHERE in_period(since)) END
-- ltv_to_cac_ratio
WITH bought AS (SELECT * FROM orders WHERE status = 'completed' AND amount IS NOT NULL AND customer_id IS NOT NULL AND in_period(ordered_at))
SELECT sum(amount) / count(DISTINCT customer_id) FILTER (amount >= 0) / days_of_period() * lifespan() * margin()
    / ((SELECT sum(amount) FROM expenses WHERE team IN ('marketing', 'sales') AND in_period(spent_at))
        / (SELECT count(*) FROM credible_customers WHERE in_period(since))) FROM bought
-- ltv_to_cac_ratio.arpu_over_churn
SELECT CASE WHEN NOT whole() THEN (sum(opening) / count(*)) * margin() / (count(*) FILTER (closing <= 0) / count(*)) END
    / ((SELECT sum(amount) FROM expenses WHERE team IN ('marketing', 'sales') AND in_period(spent_at))
        / (SELECT count(*) FROM credible_customers WHERE in_period(since))) FROM accounts() WHERE opening > 0
-- cac_payback_period
SELECT (SELECT coalesce(sum(amount), 0) FROM expenses WHERE team IN ('marketing', 'sales') AND in_period(spent_at))
    / (SELECT count(*) FROM credible_customers WHERE in_period(since))
    / (sum(mrr) / count(DISTINCT customer_id) FILTER (mrr > 0) * margin()) * month()
FROM known_subscriptions WHERE running(paid_from, ended_at)
-- return_on_investment
WITH gain AS (SELECT coalesce(sum(amount), 0) AS won FROM counted_deals WHERE status = 'won' AND in_period(closed_at)),
paid AS (SELECT sum(amount) AS cost FROM expenses WHERE in_period(spent_at))
SELECT CASE WHEN cost > 0 THEN (won - cost) / cost END FROM gain, paid
-- revenue_per_customer
SELECT sum(amount) / count(DISTINCT customer_id) FROM counted_deals
WHERE status = 'won' AND amount IS NOT NULL AND customer_id IS NOT NULL AND in_period(closed_at)
-- return_on_investment.net_profit
WITH sold AS (SELECT coalesce(sum(amount), 0) - coalesce(sum(cost), 0) AS profit FROM counted_deals
    WHERE status = 'won' AND cost IS NOT NULL AND in_period(closed_at)),
paid AS (SELECT sum(amount) AS spend FROM expenses WHERE in_period(spent_at))
SELECT CASE WHEN spend > 0 THEN (profit - spend) / spend END FROM sold, paid
