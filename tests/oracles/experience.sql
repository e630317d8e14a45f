
-- net_promoter_score
SELECT 100 * (count(*) FILTER (score BETWEEN 9 AND 10) - count(*) FILTER (score BETWEEN 0 AND 6)) / count(*)
FROM surveys WHERE kind = 'nps' AND score IS NOT NULL AND (scale_low, scale_high) = (0, 10) AND in_period(answered_at)
-- net_promoter_score.latest_per_customer
WITH latest AS (SELECT arg_max(score, (answered_at, id)) AS score FROM surveys
    WHERE kind = 'nps' AND score IS NOT NULL AND (scale_low, scale_high) = (0, 10) AND customer_id IS NOT NULL
        AND answered_at IS NOT NULL AND in_period(answered_at)
    GROUP BY customer_id)
SELECT 100 * (count(*) FILTER (score >= 9) - count(*) FILTER (score <= 6)) / count(*) FROM latest
-- customer_satisfaction_score
SELECT count(*) FILTER (score > scale_high - CASE WHEN scale_high - scale_low <= 2 THEN 1 WHEN scale_high - scale_low <= 7 THEN 2 ELSE 3 END)
    / count(*) FROM surveys WHERE kind = 'csat' AND score IS NOT NULL AND in_period(answered_at)
-- customer_satisfaction_score.top_box
SELECT count(*) FILTER (score = scale_high) / count(*) FROM surveys
WHERE kind = 'csat' AND score IS NOT NULL AND in_period(answered_at)
-- customer_satisfaction_score.good_bad
SELECT count(*) FILTER (score > (scale_low + scale_high) / 2) / count(*) FILTER (score <> (scale_low + scale_high) / 2)
FROM surveys WHERE kind = 'csat' AND score IS NOT NULL AND in_period(answered_at)
-- customer_satisfaction_rating
SELECT CASE WHEN count(DISTINCT (scale_low, scale_high)) = 1 THEN avg(score) END FROM surveys
WHERE kind = 'csat' AND score IS NOT NULL AND in_period(answered_at)
-- customer_effort_score
SELECT CASE WHEN min(scale_high) = max(scale_high) THEN avg(score) END FROM surveys
WHERE kind = 'ces' AND score IS NOT NULL AND in_period(answered_at)
-- customer_effort_score.ease
SELECT CASE WHEN min(scale_high) = max(scale_high) THEN avg(score) END FROM surveys
WHERE kind = 'ces' AND score IS NOT NULL AND in_period(answered_at)
-- customer_effort_score.low_effort_share
SELECT count(*) FILTER (score < (scale_low + scale_high) / 2) / count(*) FROM surveys
WHERE kind = 'ces' AND score IS NOT NULL AND in_period(answered_at)
-- survey_response_rate
SELECT count(*) FILTER (answered_at IS NOT NULL OR score IS NOT NULL) / count(*) FROM surveys WHERE in_period(sent_at)
-- survey_response_rate.by_event
SELECT (SELECT count(*) FROM surveys WHERE (answered_at IS NOT NULL OR score IS NOT NULL) AND in_period(answered_at)) / (SELECT count(*) FROM surveys WHERE in_period(sent_at))
-- social_mentions
SELECT count(*) FROM interactions WHERE kind = 'social' AND direction = 'inbound' AND in_period("at")
-- net_sentiment
WITH mentions AS (SELECT coalesce(sentiment, CASE sign(sentiment_score) WHEN 1 THEN 'positive' WHEN -1 THEN 'negative'
        WHEN 0 THEN 'neutral' END) AS said
    FROM interactions WHERE kind = 'social' AND direction = 'inbound' AND in_period("at"))
SELECT 100 * (count(*) FILTER (said = 'positive') - count(*) FILTER (said = 'negative')) / count(said) FROM mentions
-- negative_mention_share
WITH mentions AS (SELECT coalesce(sentiment, CASE sign(sentiment_score) WHEN 1 THEN 'positive' WHEN -1 THEN 'negative'
        WHEN 0 THEN 'neutral' END) AS said
    FROM interactions WHERE kind = 'social' AND direction = 'inbound' AND in_period("at"))
SELECT count(*) FILTER (said = 'negative') / count(said) FROM mentions
-- review_rating
SELECT avg(score) FROM surveys WHERE kind = 'review' AND in_period(answered_at)
-- review_rating.top_share
SELECT count(*) FILTER (score = scale_high) / count(score) FROM surveys WHERE kind = 'review' AND in_period(answered_at)
-- interactions_per_customer
SELECT (SELECT count(customer_id) FROM interactions WHERE in_period("at"))
    / (SELECT count(*) FROM known_customers WHERE active_at(since, until, period_end()))
-- interactions_per_customer.of_contacted
SELECT count(customer_id) / count(DISTINCT customer_id) FROM interactions WHERE in_period("at")
