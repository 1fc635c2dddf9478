using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;

namespace Steersman.ApiGateway.Web;

/// <summary>Holds requests to the attributes of their records. The framework's own generator passes over types that are not public.</summary>
internal static class Validation
{
    public static TBuilder Validated<TBuilder>(this TBuilder routes) where TBuilder : IEndpointConventionBuilder =>
        routes.AddEndpointFilterFactory((context, next) =>
        {
            var places = context.MethodInfo.GetParameters()
                .Where(parameter => RulesOf(parameter.ParameterType).Any())
                .Select(parameter => parameter.Position)
                .ToArray();
            return places.Length == 0 ? next : invocation => JudgeAsync(invocation, places, next);
        });

    private static ValueTask<object?> JudgeAsync(EndpointFilterInvocationContext invocation, int[] places, EndpointFilterDelegate next)
    {
        string[] mistakes = [.. places.Select(place => invocation.Arguments[place]).OfType<object>().SelectMany(MistakesOf)];
        return mistakes.Length == 0 ? next(invocation) : ValueTask.FromResult<object?>(Problems.Invalid(string.Join(' ', mistakes)));
    }

    private static IEnumerable<string> MistakesOf(object request)
    {
        var results = new List<ValidationResult>();
        foreach (var property in RulesOf(request.GetType()))
        {
            var context = new ValidationContext(request)
            {
                MemberName = property.Name,
                DisplayName = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name),
            };
            Validator.TryValidateProperty(property.GetValue(request), context, results);
        }
        return results.Select(result => result.ErrorMessage).OfType<string>();
    }

    private static IEnumerable<PropertyInfo> RulesOf(Type type) =>
        type.GetProperties().Where(property => property.GetIndexParameters().Length == 0 && property.IsDefined(typeof(ValidationAttribute)));
}
