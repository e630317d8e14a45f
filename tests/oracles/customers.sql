
-- new_customers
SELECT count(*) FROM credible_customers WHERE in_period(since)
-- lost_customers
SELECT count(*) FROM known_customers WHERE until IS NOT NULL AND in_period(until)
-- active_customers
SELECT count(*) FROM credible_customers WHERE begun(since) AND (until IS NULL OR until >= period_end())
-- retention_rate
SELECT count(*) FILTER (active_at(since, until, period_end())) / count(*) FROM known_customers
WHERE active_at(since, until, period_start())
-- retention_rate.from_counts
SELECT (count(*) FILTER (active_at(since, until, period_end())) - count(*) FILTER (since >= period_start() AND since < period_end()))
    / count(*) FILTER (active_at(since, until, period_start())) FROM known_customers
-- churn_rate
SELECT count(*) FILTER (until < period_end()) / count(*) FROM known_customers WHERE active_at(since, until, period_start())
-- churn_rate.stripe
SELECT count(*) FILTER (until >= period_start() AND until < period_end())
    / (count(*) FILTER (active_at(since, until, period_start())) + count(*) FILTER (since >= period_start() AND since < period_end()))
FROM known_customers
-- churn_rate.average_base
SELECT count(*) FILTER (until >= period_start() AND until < period_end())
    / ((count(*) FILTER (active_at(since, until, period_start())) + count(*) FILTER (active_at(since, until, period_end()))) / 2)
FROM known_customers
-- churn_rate.by_status
SELECT count(*) FILTER (status = 'churned') / count(status) FROM customers
-- churn_rate.by_inactivity
WITH buyers AS (SELECT max(ordered_at) AS last FROM orders
    WHERE status = 'completed' AND NOT coalesce(amount < 0, false) AND customer_id IS NOT NULL AND ordered_at < as_of() AND in_period(ordered_at) GROUP BY customer_id)
SELECT count(*) FILTER (last + to_days(days()) < as_of()) / count(*) FROM buyers
-- cohort_retention
WITH firsts AS (SELECT customer_id, min(ordered_at) AS first FROM orders WHERE status = 'completed' AND NOT coalesce(amount < 0, false) AND customer_id IS NOT NULL GROUP BY ALL)
SELECT avg((customer_id IN (SELECT customer_id FROM orders WHERE status = 'completed' AND NOT coalesce(amount < 0, false) AND in_period(ordered_at) AND customer_id IS NOT NULL))::INT)
FROM firsts WHERE in_lagged(first)
-- cohort_retention.rolling
WITH firsts AS (SELECT customer_id, min(ordered_at) AS first, max(ordered_at) AS last FROM orders
    WHERE status = 'completed' AND NOT coalesce(amount < 0, false) AND customer_id IS NOT NULL GROUP BY ALL)
SELECT avg((last >= period_start())::INT) FROM firsts WHERE in_lagged(first)
-- cohort_retention.survival
SELECT avg((until IS NULL OR until >= period_end())::INT) FROM known_customers WHERE in_lagged(since)
-- customer_lifespan
SELECT CASE WHEN horizon_is_seen() THEN (SELECT sum(share * (until_t - from_t)) FROM curve()) END
-- customer_lifespan.exponential
SELECT sum(seconds(since, CASE WHEN until < as_of() THEN until ELSE as_of() END)) / count(*) FILTER (until < as_of())
FROM known_customers WHERE since <= as_of() AND in_period(since)
-- customer_lifespan.inverse_churn
SELECT days_of_period() * 86400.0 / (count(*) FILTER (until < period_end()) / count(*)) FROM known_customers
WHERE active_at(since, until, period_start())
-- customer_lifespan.churned_only
SELECT avg(seconds(since, until)) FROM known_customers WHERE until IS NOT NULL AND in_period(until)
-- mrr
SELECT coalesce(sum(mrr), 0) FROM known_subscriptions WHERE running(paid_from, ended_at)
-- arr
SELECT coalesce(sum(mrr * 12), 0) FROM known_subscriptions WHERE running(paid_from, ended_at)
-- arpu
SELECT sum(mrr) / count(DISTINCT customer_id) FILTER (mrr > 0) FROM known_subscriptions
WHERE running(paid_from, ended_at)
-- net_new_mrr
SELECT coalesce(sum(closing), 0) - coalesce(sum(opening), 0) FROM accounts()
-- new_mrr
SELECT coalesce(sum(closing - opening), 0) FROM accounts() WHERE opening <= 0 AND closing > 0 AND NOT had_paid
-- reactivation_mrr
SELECT coalesce(sum(closing - opening), 0) FROM accounts() WHERE opening <= 0 AND closing > 0 AND had_paid
-- expansion_mrr
SELECT coalesce(sum(closing - opening), 0) FROM accounts() WHERE closing > opening AND NOT (opening <= 0 AND closing > 0)
-- contraction_mrr
SELECT coalesce(sum(closing - opening), 0) FROM accounts() WHERE closing < opening AND NOT (opening > 0 AND closing <= 0)
-- churned_mrr
SELECT coalesce(sum(closing - opening), 0) FROM accounts() WHERE opening > 0 AND closing <= 0
-- gross_revenue_retention
SELECT sum(least(opening, greatest(closing, 0))) / sum(opening) FROM accounts() WHERE opening > 0
-- net_revenue_retention
SELECT sum(greatest(closing, 0)) / sum(opening) FROM accounts() WHERE opening > 0
-- revenue_churn_rate
SELECT sum(opening - least(opening, greatest(closing, 0))) / sum(opening) FROM accounts() WHERE opening > 0
-- revenue_churn_rate.net
SELECT sum(opening - greatest(closing, 0)) / sum(opening) FROM accounts() WHERE opening > 0
-- revenue_churn_rate.left_only
SELECT coalesce(sum(opening) FILTER (closing <= 0), 0) / sum(opening) FROM accounts() WHERE opening > 0
-- repeat_purchase_rate
WITH buyers AS (SELECT count(*) AS n FROM orders WHERE status = 'completed' AND NOT coalesce(amount < 0, false) AND customer_id IS NOT NULL AND in_period(ordered_at)
    GROUP BY customer_id)
SELECT count(*) FILTER (n >= 2) / count(*) FROM buyers
-- repeat_purchase_rate.with_refunds
WITH buyers AS (SELECT count(*) AS n FROM orders WHERE status = 'completed' AND customer_id IS NOT NULL AND in_period(ordered_at)
    GROUP BY customer_id)
SELECT count(*) FILTER (n >= 2) / count(*) FROM buyers
-- repeat_purchase_rate.by_days
WITH buyers AS (SELECT count(DISTINCT ordered_at::DATE) AS n FROM orders
    WHERE status = 'completed' AND NOT coalesce(amount < 0, false) AND customer_id IS NOT NULL AND ordered_at IS NOT NULL AND in_period(ordered_at) GROUP BY customer_id)
SELECT count(*) FILTER (n >= 2) / count(*) FROM buyers
-- purchase_frequency
SELECT count(*) / count(DISTINCT customer_id) FROM orders
WHERE status = 'completed' AND NOT coalesce(amount < 0, false) AND customer_id IS NOT NULL AND in_period(ordered_at)
-- purchase_frequency.with_refunds
SELECT count(*) / count(DISTINCT customer_id) FROM orders
WHERE status = 'completed' AND customer_id IS NOT NULL AND in_period(ordered_at)
-- average_order_value
SELECT avg(amount) FROM orders WHERE status = 'completed' AND amount >= 0 AND in_period(ordered_at)
-- average_order_value.with_refunds
SELECT avg(amount) FROM orders WHERE status = 'completed' AND in_period(ordered_at)
-- cart_abandonment_rate
SELECT count(*) FILTER (status = 'abandoned') / count(*) FROM orders WHERE in_period(ordered_at)
-- return_rate
SELECT count(*) FILTER (status = 'returned') / count(*) FROM orders WHERE status IN ('completed', 'returned') AND in_period(ordered_at)
-- delivery_time
SELECT avg(seconds(ordered_at, delivered_at)) FROM orders
WHERE status IN ('completed', 'returned') AND delivered_at >= ordered_at AND in_period(ordered_at)
-- delivery_time.median
SELECT median(seconds(ordered_at, delivered_at)) FROM orders
WHERE status IN ('completed', 'returned') AND delivered_at >= ordered_at AND in_period(ordered_at)
-- churn_rate.by_subscriptions
SELECT count(*) FILTER (closing <= 0) / count(*) FROM accounts() WHERE opening > 0
-- churn_rate.all_lost
SELECT (SELECT count(*) FROM known_customers WHERE until >= period_start() AND until < period_end())
    / (SELECT count(*) FROM known_customers WHERE active_at(since, until, period_start()))
-- repeat_purchase_rate.returning
WITH buyers AS (SELECT count(*) AS n, count(*) FILTER (ordered_at >= period_start()) AS recent FROM orders
    WHERE status = 'completed' AND NOT coalesce(amount < 0, false) AND customer_id IS NOT NULL AND ordered_at < period_end() GROUP BY customer_id)
SELECT count(*) FILTER (n >= 2 AND recent >= 1) / count(*) FROM buyers
